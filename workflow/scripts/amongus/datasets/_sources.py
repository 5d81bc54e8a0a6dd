"""Questions out of pinned sources: a JSON file, by path or URL, with its sha256.

The JSON is an object with the lists `dev` and `test`. A question's id is `{dataset}/{split}/{row}`, the row counted in
the source from 0, so an id keeps its meaning whatever is sampled. Ids say which questions are the same under several
seeds: where a module makes rows, perhaps others for each seed, `{row}` is a digest of the row instead. The sample is
drawn by seed, not from the top: sources may be sorted (safetybench begins with one kind of question), and the first rows
would stand for one kind.
"""

import json
import logging
import unicodedata
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from amongus import datasets
from amongus.core import download, hashing
from amongus.core.errors import StudyError
from amongus.study import plugins

SPLITS = ("dev", "test")
_LENGTH = 16  # hexadecimal digits of a row's digest
_LOG = logging.getLogger(__name__)


def questions(dataset: str, spec: Mapping[str, Any], seed: int) -> dict[str, dict[str, list[str]]]:
    """The questions of a dataset's two splits, as columns of the table of questions.

    Args:
        dataset: the dataset's name in the study; ids begin with it.
        spec: as `Study.dataset_spec` gives it: `kind` (of that name, if not given), how many questions of `dev` and
            `test` (where there are fewer, all of them), `data_seed`, which draws them (None: `seed` does), and the
            settings of the kind.
        seed: the study's.

    Returns:
        For `dev` and `test` the columns id, prompt, item (canonical JSON), metric, in the source's order.

    Raises:
        StudyError: the source is unavailable or differs, or a row is broken; one line that names it.
    """
    kind = spec.get("kind", dataset)
    module = datasets.load(kind)
    own = hasattr(module, "rows")
    rows, where = valid_rows(dataset, spec, seed)
    drawing = spec.get("data_seed", 0)
    drawing = seed if drawing is None else drawing
    kept = without_overlap(dataset, module, rows)
    tables = {}
    for split in SPLITS:
        if not kept[split]:
            raise StudyError(
                f"{where}: dataset {dataset} has no {split} question of its own (what is in test too does not "
                "count for dev); add some"
            )
        # A row that is made twice is one question.
        named = {hashing.digest(item)[:_LENGTH] if own else str(place): item for place, item in kept[split].items()}
        wanted = spec.get(split)
        chosen = dict(hashing.drawn(list(named.items()), wanted, hashing.derive(drawing, "questions", dataset, split)))
        if wanted and len(chosen) < wanted:
            _LOG.warning("%s/%s: %d questions wanted, %d available", dataset, split, wanted, len(chosen))
        tables[split] = {
            "id": [f"{dataset}/{split}/{row}" for row in chosen],
            "prompt": [module.prompt(item) for item in chosen.values()],
            "item": [json.dumps(item, sort_keys=True) for item in chosen.values()],
            "metric": [datasets.metric(kind, item) for item in chosen.values()],
        }
    return tables


def valid_rows(dataset: str, spec: Mapping[str, Any], seed: int) -> tuple[dict[str, list[Any]], str]:
    """The rows of both splits, pinned or a module's own by `seed`, each with its fields, and their source's name.

    Raises:
        StudyError: the source is unavailable or differs, or a row is broken.
    """
    kind = spec.get("kind", dataset)
    module = datasets.load(kind)
    if hasattr(module, "rows"):
        plain = {key: value for key, value in spec.items() if key not in ("kind", "data_seed", *SPLITS)}
        settings = plugins.typed("datasets", kind, plain)
        rows, where = {split: list(module.rows(settings, split, seed)) for split in SPLITS}, dataset
    else:
        rows, where = read(spec)
    for split in SPLITS:
        datasets.validate_rows(kind, rows[split], f"{where}: dataset {dataset}, split {split}")
    return rows, where


def read(spec: Mapping[str, Any]) -> tuple[dict[str, list[Any]], str]:
    """The rows of both splits of a pinned source (see `amongus.core.download`), and its name for messages.

    Raises:
        StudyError: the source is unavailable, differs, or is not JSON with two splits.
    """
    content, where = download.content(spec, "a dataset's source")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{where}: not JSON ({error}); get the file again and pin its sha256") from None
    for split in SPLITS:
        if not isinstance(data, dict) or not isinstance(data.get(split), list):
            raise StudyError(f"{where}: no list {split}; a source is a JSON object with the lists dev and test")
    return data, where


def check_local(dataset: str, spec: Mapping[str, Any]) -> None:
    """Check that a dataset has a source, and a local one's checksum, form and fields.

    Raises:
        StudyError: one line that names the file, the row and the fix.
    """
    own = hasattr(datasets.load(spec.get("kind", dataset)), "rows")
    if not own and (download.mirrored(spec).get("path") or not spec.get("url")):
        valid_rows(dataset, spec, 0)  # Those of a source are the same for every seed.


def without_overlap(
    dataset: str, module: ModuleType, rows: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, dict[int, Mapping[str, Any]]]:
    """The rows of each split by their number, without each question of dev that is in test too; log how many.

    Questions are the same where their normalised texts (compatibility forms, case, blanks) are, and, in a
    multiple choice, their options in whatever order.
    """

    def identity(item: Mapping[str, Any]) -> tuple[str, ...]:
        choices = item.get("choices")
        texts = [item["question"], *choices.values()] if isinstance(choices, Mapping) else [module.prompt(item)]
        question, *options = (" ".join(unicodedata.normalize("NFKC", text).casefold().split()) for text in texts)
        return question, *sorted(options)

    tests = {identity(item) for item in rows["test"]}
    dev = {number: item for number, item in enumerate(rows["dev"]) if identity(item) not in tests}
    dropped = len(rows["dev"]) - len(dev)
    if dropped:
        text = "%s: %d of %d dev questions are in test too and were left out of dev"
        _LOG.info(text, dataset, dropped, len(rows["dev"]))
    return {"dev": dev, "test": dict(enumerate(rows["test"]))}
