"""Rule training_data: pinned training data as conversations."""

from typing import Any

from _helpers import configure_logging
from amongus import pinned
from amongus.conversations import chats, drawn, rows_of
from amongus.files import CONVERSATIONS, write_table
from amongus.seeds import derive


def main(snakemake: Any) -> None:
    """Write the conversations of `params.spec`."""
    name, spec = snakemake.params.name, snakemake.params.spec
    content, where = pinned.content(spec, f"data '{name}'")
    read = chats(rows_of(content, where), where, spec.get("prompt"), spec.get("response"))
    kept = drawn(read, spec.get("rows"), derive(spec.get("data_seed", 0), "data", name))
    write_table(
        snakemake.output[0],
        {"id": [f"{name}/{number}" for number in range(len(kept))], "messages": kept},
        CONVERSATIONS,
    )


if __name__ == "__main__":
    configure_logging(snakemake)
    main(snakemake)
