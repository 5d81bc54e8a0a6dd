"""Tables of examples under tests/data, and rows of the real datasets where they are at hand."""

import os
import random

import pytest
import yaml

from checkout import ROOT

# A folder with the datasets' files as they were downloaded, and their SHA256SUMS.
DATASETS = os.environ.get("AMONGUS_DATASETS", ROOT.parent / "shared" / "datasets")


def examples(name):
    """The table `tests/data/NAME.yaml`."""
    return yaml.safe_load((ROOT / "tests" / "data" / f"{name}.yaml").read_text(encoding="utf-8"))


def pairs(table):
    """Each key of a table of lists with each value of its list."""
    return [(key, value) for key, values in table.items() for value in values]


def real_rows(dataset, count=200):
    """So many rows of a dataset, always the same; the test is skipped where its file is absent."""
    from amongus.datasets import _sources

    path = ROOT.joinpath(DATASETS, f"{dataset}.json")
    if not path.is_file():
        pytest.skip(f"no {path}; AMONGUS_DATASETS names the folder of the real rows")
    lines = (path.parent / "SHA256SUMS").read_text().splitlines()
    digests = {line.split()[1].split("/")[-1]: line.split()[0] for line in lines if not line.startswith("#")}
    splits, _ = _sources.read({"path": path, "sha256": digests[path.name]})
    return random.Random(0).sample(splits["dev"] + splits["test"], count)


def scores(dataset, items, texts, cores=1):
    """The score of each text as an answer to the row beside it."""
    from amongus import datasets, scoring

    datasets.validate_rows(dataset, items, dataset)
    return [score for score, _ in scoring.explain(datasets.metric(dataset, items[0]), items, texts, cores)]
