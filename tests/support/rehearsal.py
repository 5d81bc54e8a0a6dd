"""Sources for a rehearsal of the paper's study: its hub repositories with tiny models, and where no real rows are given a
few of our own for each of its ten datasets.

    python tests/support/rehearsal.py .rehearsal [folder of the real JSON files]

writes them and `sources.yaml`, to be loaded after config/paper.yaml and config/rehearsal.yaml.
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "workflow" / "scripts")]

PAPER = ROOT / "config" / "paper.yaml"
_COUNT = 6


def prepare(folder: Path, rows: Path | None = None) -> Path:
    """Write all sources into `folder` and return the config file that names them."""
    paper = yaml.safe_load(PAPER.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    for name, spec in paper["models"].items():
        repository(folder / "hub" / spec["repo"], name, spec, paper)
    for spec in paper["data"].values():
        if "repo" in spec:
            lies = folder / "hub" / spec["repo"] / "data" / "train.parquet"
            lies.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(conversations()), lies)
    named: dict[str, Any] = {"hub_folder": str(folder / "hub"), "datasets_folder": str(folder / "files")}
    for section in ("models", "data"):
        # A folder without the hub's records is taken as the commit that is pinned.
        remote = {name for name, spec in paper[section].items() if "repo" in spec}
        named[section] = {name: {"revision": hashlib.sha1(name.encode()).hexdigest()} for name in sorted(remote)}
    files = folder / "files"
    files.mkdir(exist_ok=True)
    for section in ("datasets", "data"):
        for name, spec in paper[section].items():
            if "url" not in spec:
                continue
            file = files / spec["url"].rpartition("/")[2]
            if rows is not None and (rows / file.name).exists():
                shutil.copyfile(rows / file.name, file)
                continue
            _write(file, name)
            named.setdefault(section, {})[name] = {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    config = folder / "sources.yaml"
    config.write_text(yaml.safe_dump(named))
    return config


def _write(file: Path, name: str) -> None:
    if file.suffix == ".parquet":
        prompts = [{"prompt": chat["messages"][:1]} for chat in conversations()]
        pq.write_table(pa.Table.from_pylist(prompts), file)
    else:
        split = [row(name, number) for number in range(2 * _COUNT)]
        file.write_text(json.dumps({"dev": split[:_COUNT], "test": split[_COUNT:]}))


def conversations() -> list[dict[str, Any]]:
    """Chats with wrong answers."""
    turns = [(("user", f"What is {n} + 1?"), ("assistant", f"It is {n}.")) for n in range(24)]
    return [{"messages": [{"role": role, "content": text} for role, text in chat]} for chat in turns]


def repository(folder: Path, name: str, spec: dict[str, Any], paper: dict[str, Any]) -> None:
    """A tiny checkpoint of the architecture of `spec["repo"]`: Qwen2, a LoRA of it, a Llama classifier, or a BERT."""
    import tiny

    if folder.exists():
        return
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:3], "big")
    if spec["kind"] == "hub_adapter":
        base = paper["models"][spec["base"]]
        repository(folder.parents[1] / base["repo"], spec["base"], base, paper)
        tiny.adapter(folder, str(folder.parents[1] / base["repo"]), seed, named=base["repo"])
    elif "sentence-transformers" in spec["repo"]:
        tiny.embedder(folder, seed)
    elif name in ("reward", "target"):
        tiny.reward_checkpoint(folder, seed)
    else:
        tiny.checkpoint(folder, seed, kind="qwen2")


def row(dataset: str, number: int) -> dict[str, Any]:
    """A row in the form of `dataset`, our own words."""
    text = (ROOT / "tests" / "data" / "rehearsal.yaml").read_text()
    for mark, value in (("<n>", number), ("<n+1>", number + 1), ("<n+2>", number + 2), ("<2n>", 2 * number)):
        text = text.replace(mark, str(value))
    return yaml.safe_load(text)[dataset]


if __name__ == "__main__":
    print(prepare(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] else None))
