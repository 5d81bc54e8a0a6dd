"""Rules' scripts run as Snakemake runs them, with a stand-in for `snakemake`."""

import os
import runpy
from types import SimpleNamespace

from checkout import ROOT


class Named(list):
    """Positional and named, like Snakemake's inputs and outputs: a name may stand for a list, the whole is flat."""

    def __init__(self, *items, **named):
        values = [*items, *named.values()]
        super().__init__(one for value in values for one in (value if isinstance(value, list) else [value]))
        self.__dict__.update(named)

    def __getitem__(self, key):
        return getattr(self, key) if isinstance(key, str) else super().__getitem__(key)

    def get(self, key, default=None):
        return self.__dict__.get(key, default)


def outputs(stem, kinds=("csv", "md", "tex")):
    """What the rule of a table writes."""
    suffixes = {"manifest": "manifest.json", **{kind: kind for kind in kinds}}
    return Named(**{name: f"{stem}.{suffix}" for name, suffix in suffixes.items()})


def run(script, inputs, outputs, wildcards=None, **params):
    """Run a rule's script with a stand-in for `snakemake`."""
    for path in outputs:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    snakemake = SimpleNamespace(
        input=inputs,
        output=outputs,
        params=Named(**params),
        wildcards=Named(**{"seed": "1", **(wildcards or {})}),
        resources=Named(gpu=0),
        log=[],
        config={},
    )
    runpy.run_path(
        str(ROOT / "workflow" / "scripts" / f"{script}.py"), init_globals={"snakemake": snakemake}, run_name="__main__"
    )
