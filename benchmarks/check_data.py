"""Every real row of every dataset: prompts, reference answers, empty answers, a megabyte of noise.

    python benchmarks/check_data.py /folder/with/json

prints a table, the exceptions, and how often the scorers differ from the published scoring; exit status 1 where a
dataset is absent, a scorer raises, a reference answer scores below `BOUND`, an empty answer scores 1, or noise
takes longer than `PATIENCE`.
"""

import json
import math
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from published_rules import differences
from tqdm import tqdm

from amongus import datasets, scoring
from amongus.datasets import _sources
from amongus.scoring.metrics.instructions import LONGEST
from amongus.study import plugins

BOUND = 0.99
BOUND_OF = ("gsm8k", "nlgraph", "mmlu_redux", "truthfulqa", "safetybench", "humaneval")
PATIENCE = 10.0  # seconds of processor time for one text; of the clock where it is executed
SAMPLE = {"ifeval": 40, "ifbench": 40}  # rows that get noise: each has checkers of its own
FEW = 4  # rows of the other datasets
LENGTHS = (LONGEST, 1_000_000)  # instructions are not checked in what is longer than the first
PIECES = ("[", "\n", " ", "\\boxed{", "Mr. A. ", "(A) or B, ", "I can't ", "<<", '"', "1.", "\ud800\x00", "\u0301")
FENCED = ("a", " ", "~~~")  # behind a fence, and a backtick behind them: no fence after all

Item = dict[str, Any]
Rows = list[tuple[str, Item]]


def _boxed(item: Item) -> list[str]:
    return [rf"So it is \boxed{{{item['output']}}}."]


def _chosen(item: Item) -> list[str]:
    letter, text = item["answer"], item["choices"][item["answer"]]
    return [letter, f"The answer is {letter}.", f"{letter}) {text}", text]


def _program(item: Item) -> list[str]:
    return [f"```python\n{item['prompt']}{item['canonical_solution']}\n```"]


def _snippet(item: Item) -> list[str]:
    return [f"```python\n{item['reference_code']}\n```"]


# The reference answer in the words members use; a row counts where all of them score 1.
REFERENCES: dict[str, Callable[[Item], list[str]]] = {
    "gsm8k": _boxed,
    "nlgraph": _boxed,
    "mmlu_redux": _chosen,
    "truthfulqa": _chosen,
    "safetybench": _chosen,
    "humaneval": _program,
    "ds1000": _snippet,
}


@dataclass
class Findings:
    """What one dataset showed."""

    dataset: str
    rows: int = 0
    prompts: int = 0
    right: int | None = None
    exceptions: list[str] = field(default_factory=list)
    empty: int = 0
    unscored: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    faults: list[str] = field(default_factory=list)

    def wrong(self) -> list[str]:
        """The bounds that were missed, and what was raised."""
        missed = list(self.faults)
        if self.prompts < self.rows:
            missed.append(f"{self.rows - self.prompts} prompts are empty")
        if self.dataset in BOUND_OF and (self.right or 0) < BOUND * self.rows:
            missed.append(f"reference answers: {self.right} of {self.rows} score 1")
        if self.empty:
            missed.append(f"the empty text scores 1 on {self.empty} rows")
        if self.slowest[0] > PATIENCE:
            missed.append(f"{self.slowest[1]}: {self.slowest[0]:.1f} s")
        return [f"{self.dataset}: {line}" for line in missed]

    def line(self) -> tuple[str, ...]:
        """The dataset's row of the table."""
        reasons = "; ".join(f"{count} {reason}" for reason, count in self.unscored.most_common())
        return (
            self.dataset,
            f"{self.rows:,}",
            f"{self.prompts:,}",
            "no reference" if self.right is None else f"{self.right:,} ({100 * self.right / self.rows:.2f} %)",
            str(self.empty),
            reasons or "0",
            f"{self.slowest[0]:.2f} s ({self.slowest[1]})",
        )


def check(dataset: str, rows: Rows) -> Findings:
    """All that is asked of a dataset's rows."""
    found = Findings(dataset, rows=len(rows))
    found.prompts = sum(bool(datasets.load(dataset).prompt(item).strip()) for _, item in rows)
    for score, why in all_scored(found, [(key, item, "") for key, item in rows]):
        found.empty += score == 1.0
        if why:
            found.unscored[why] += 1
    if dataset in REFERENCES:
        asked = [(key, item, text) for key, item in rows for text in REFERENCES[dataset](item)]
        scores = all_scored(found, asked)
        missed = [(key, text) for (key, _, text), (score, _) in zip(asked, scores, strict=True) if score != 1]
        found.right = len(rows) - len({key for key, _ in missed})
        found.exceptions = [f"{key}: {text[:60]!r}" for key, text in missed]
    # Of a text that is executed this process sees no processor time.
    clock = time.monotonic if executes(dataset, rows[0][1]) else time.process_time
    for (key, item), (name, text) in noisy(dataset, rows):
        begin = clock()
        scored(found, key, item, text)
        found.slowest = max(found.slowest, (clock() - begin, f"{key}, {name}"))
    return found


def executes(dataset: str, item: Item) -> bool:
    """Whether a text about `item` is run as a program."""
    return hasattr(plugins.module("scoring.metrics", datasets.metric(dataset, item)), "EXECUTES")


def all_scored(found: Findings, asked: Sequence[tuple[str, Item, str]]) -> list[tuple[float, str]]:
    """`scored` of each, in order; texts that are executed as many at a time as there are cores."""
    cores = len(os.sched_getaffinity(0)) if executes(found.dataset, asked[0][1]) else 1
    with ThreadPoolExecutor(cores) as pool:
        scores = pool.map(lambda each: scored(found, *each), asked)
        return list(tqdm(scores, found.dataset, len(asked), leave=False))


def scored(found: Findings, key: str, item: Item, text: str) -> tuple[float, str]:
    """The score and why it is NaN; what should never happen is noted."""
    try:
        ((score, why),) = scoring.explain(datasets.metric(found.dataset, item), [item], [text])
    except Exception as error:
        found.faults.append(f"{key}: {text[:20]!r} raised {type(error).__name__}: {error}")
        return math.nan, ""
    if not (math.isnan(score) or 0.0 <= score <= 1.0):
        found.faults.append(f"{key}: {text[:20]!r} scored {score}")
    return score, why


def noisy(dataset: str, rows: Rows) -> Iterator[tuple[tuple[str, Item], tuple[str, str]]]:
    """A seeded sample of rows, each with every kind of noise."""
    draw = random.Random(f"noise {dataset}")
    for row in draw.sample(rows, min(SAMPLE.get(dataset, FEW), len(rows))):
        for length in LENGTHS:
            for piece in PIECES:
                yield row, (f"{length:,} x {piece!a}", _repeated(piece, length))
            for piece in FENCED:
                yield row, (f"{length:,} x {piece!a}, fenced", f"```{_repeated(piece, length - 4)}`")
            letters = "".join(map(chr, draw.choices(range(0x3000), k=length)))
            yield row, (f"{length:,} random characters", letters)
            words = " ".join(draw.choices(datasets.load(dataset).prompt(row[1]).split(), k=length // 5))
            yield row, (f"{length:,} words of the prompt", words[:length])


def _repeated(piece: str, length: int) -> str:
    return (piece * (length // len(piece) + 1))[:length]


def read(path: Path, dataset: str) -> tuple[Rows, int]:
    """The rows of both splits with their ids, and how many dev rows test asks too."""
    content = json.loads(path.read_text(encoding="utf-8"))
    splits = {split: content[split] for split in _sources.SPLITS}
    for split, rows in splits.items():
        datasets.validate_rows(dataset, rows, f"{path}: split {split}")
    numbered = [(f"{dataset}/{split}/{n}", row) for split in splits for n, row in enumerate(splits[split])]
    kept = _sources.without_overlap(dataset, datasets.load(dataset), splits)
    return numbered, len(splits["dev"]) - len(kept["dev"])


def table(heading: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    rule = ["---"] * len(heading)
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in [heading, rule, *lines]
    )


def main(folder: Path) -> int:
    """Check every dataset of the package; the exit status."""
    names = [name for name in plugins.available("datasets") if not hasattr(datasets.load(name), "rows")]
    findings, wrong, content, shared = [], [], {}, {}
    for name in names:
        path = folder / f"{name}.json"
        if not path.is_file():
            wrong.append(f"{name}: no {path}")
            continue
        content[name], shared[name] = read(path, name)
        findings.append(check(name, content[name]))
        wrong += findings[-1].wrong()
        print(f"{name}: done", file=sys.stderr)
    heading = ("dataset", "rows", "prompts", "reference scores 1", "empty scores 1", "NaN", "slowest noise")
    print(table(heading, [found.line() for found in findings]))
    print("\nExceptions (reference answers that do not score 1):\n")
    print("\n".join(f"- {line}" for found in findings for line in found.exceptions) or "none")
    print("\nWhere the published scoring differs:\n")
    print(table(("what", "rows"), differences(content, shared)))
    print("\n" + ("\n".join(f"MISSED: {line}" for line in wrong) or "All bounds are kept."))
    return int(bool(wrong))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python benchmarks/check_data.py FOLDER; the folder holds {dataset}.json")
    sys.exit(main(Path(sys.argv[1])))
