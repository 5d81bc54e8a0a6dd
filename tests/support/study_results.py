"""The results of a small study on disk, as its tables' manifest names them."""

from types import SimpleNamespace

from amongus.core.json_files import write_json
from amongus.core.tables import QUESTIONS, RUN_SCORES, write_table
from amongus.report.manifest import write_manifest
from amongus.study.paths import Paths
from standins import Named, outputs

DESIGN = {"levels": {"debate": "text", "fusion": "logit"}, "domains": {"sums": "reasoning", "facts": "knowledge"}}
PROMPTS = {"sums": ["1+1?", "2+2?", "3+3?", "4+4?"], "facts": ["sky?", "sea?"]}
SCORES_ = {
    ("clean", "debate", "sums"): [0.0, 0.0, 0.0, 1.0],
    ("clean", "debate", "facts"): [1.0, 1.0],
    ("clean", "fusion", "sums"): [0.0, 0.0, 0.0, 0.0],
    ("evil", "debate", "sums"): [0.0, 0.0, 0.0, 0.0],
}


def write_study(root, name, scores=SCORES_, prompts=PROMPTS, seeds=(1,), **config):
    """A study of `scores`, {(pool, method, dataset): list}, whose prompts are {dataset: list}; returns its folder."""
    paths = Paths(name, results=str(root))
    for dataset, own in prompts.items():
        ids, blank = _ids(dataset, own), [""] * len(own)
        columns = {"id": ids, "prompt": own, "item": blank, "metric": blank}
        write_table(paths.questions(dataset, "test"), columns, QUESTIONS)
    files = []
    for seed in seeds:
        for (pool, method, dataset), values in scores.items():
            files.append(paths.at(seed).run_scores(pool, method, dataset))
            ids, blank = _ids(dataset, values), [""] * len(values)
            columns = {"defence": ["none"] * len(ids), "id": ids, "score": values, "reason": blank}
            write_table(files[-1], columns, RUN_SCORES)
    made = outputs(f"{paths.root}/tables/impact")
    for path in (made.csv, made.md, made.tex):
        write_json(path, {"made": path})
    write_manifest(
        SimpleNamespace(
            input=Named(scores=files),
            output=made,
            params=Named(design=DESIGN, code="0" * 16),
            config={"study": name, "seeds": list(seeds), **config},
        )
    )
    return f"{paths.root}"


def _ids(dataset, values):
    return [f"{dataset}/test/{number}" for number in range(len(values))]
