"""Rules' scripts run as Snakemake runs them, with a stand-in for `snakemake`."""

import os
import runpy
from types import SimpleNamespace

from conftest import ROOT


class Named(list):
    """Positional and named, like Snakemake's inputs and outputs."""

    def __init__(self, *items, **named):
        super().__init__([*items, *named.values()])
        self.__dict__.update(named)

    def __getitem__(self, key):
        return getattr(self, key) if isinstance(key, str) else super().__getitem__(key)

    def get(self, key, default=None):
        return self.__dict__.get(key, default)


def run(script, inputs, outputs, **params):
    """Run a rule's script with a stand-in for `snakemake`."""
    for path in outputs:
        for one in path if isinstance(path, list) else [path]:
            os.makedirs(os.path.dirname(one) or ".", exist_ok=True)
    snakemake = SimpleNamespace(
        input=inputs,
        output=outputs,
        params=Named(**{"seed": "1", **params}),
        wildcards=Named(seed="1"),
        resources=Named(gpu=0),
        log=[],
        config={},
    )
    runpy.run_path(
        str(ROOT / "workflow" / "scripts" / f"{script}.py"),
        init_globals={"snakemake": snakemake},
        run_name="__main__",
    )
