"""`make compact`: many small shards of a fingerprint become one, beside jobs that read and write."""

import argparse
from pathlib import Path

from tqdm import tqdm

from amongus.core.errors import StudyError, run_command
from amongus.inference.answer_cache import Store
from amongus.study.loading import read_configs
from amongus.study.names import STORE


def main() -> int:
    """Compact the store of a study, or the default one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", nargs="*", default=[], help="the study's files")
    config = read_configs(parser.parse_args().config)
    root = Path(config.get("store", STORE))
    if not root.is_dir():
        raise StudyError(f"{root}: there is no store here; give the study's config (CONFIG=...)")
    store = Store(root)
    fingerprints = store.fingerprints()
    shards = sum(map(store.compact, tqdm(fingerprints, desc=str(root), unit="fingerprint", disable=None)))
    print(f"{root}: {shards} shards of {len(fingerprints)} fingerprints are now one for each")
    return 0


if __name__ == "__main__":
    run_command(main)
