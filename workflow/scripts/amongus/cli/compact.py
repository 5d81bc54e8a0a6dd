"""`make compact`: many small shards of a fingerprint become one, beside jobs that read and write."""

import argparse
from pathlib import Path

from tqdm import tqdm

from amongus.core.errors import StudyError, run_command
from amongus.inference.answer_cache import Store
from amongus.study.loading import read_configs
from amongus.study.names import STORE


def compact(root: str | Path, group: str | None = None) -> tuple[int, int]:
    """Compact every fingerprint of the store `root`.

    Args:
        root: the store's folder.
        group: the group that shares it, if one does.

    Returns:
        How many shards there were, and how many there are now.
    """
    store = Store(root, group=group)
    before = after = 0
    for fingerprint in tqdm(store.fingerprints(), desc=str(root), unit="fingerprint", disable=None):
        found, merged = store.compact(fingerprint)
        before, after = before + found, after + found - max(merged - 1, 0)
    return before, after


def main() -> int:
    """Compact the store of a study, or the default one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", nargs="*", default=[], help="the study's files")
    config = read_configs(parser.parse_args().config)
    root = Path(config.get("store", STORE))
    if not root.is_dir():
        raise StudyError(f"{root}: there is no store here; give the study's config (CONFIG=...)")
    before, after = compact(root, config.get("store_group"))
    print(f"{root}: {before} shards before, {after} after")
    return 0


if __name__ == "__main__":
    run_command(main)
