"""Rule training_data: pinned training data as conversations."""

import shutil
from pathlib import Path

from _helpers import Job, run
from amongus.core import download
from amongus.core.hashing import derive, drawn
from amongus.core.tables import CONVERSATIONS, write_table
from amongus.hub.training_data import data
from amongus.study.paths import PARTIAL
from amongus.training.chat_data import chats, rows_of

snakemake: Job


def main(snakemake: Job) -> None:
    """Write the conversations of `params.spec`."""
    name, spec = snakemake.params.name, snakemake.params.spec
    if "repo" in spec:
        download.allow_hub()
        scratch = Path(f"{snakemake.output[0]}{PARTIAL}")
        content, where = data(spec, download.hub_folder(), scratch)
    else:
        content, where = download.content(spec, f"data '{name}'")
    read = chats(rows_of(content, where), where, spec.get("prompt"), spec.get("response"))
    kept = drawn(read, spec.get("rows"), derive(spec.get("data_seed", 0), "data", name))
    ids = [f"{name}/{number}" for number in range(len(kept))]
    write_table(snakemake.output[0], {"id": ids, "messages": kept}, CONVERSATIONS)
    if "repo" in spec:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    run(snakemake, main)
