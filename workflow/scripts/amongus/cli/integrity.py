"""`make verify`: all files that the jobs of a study have made against their checksums, and the store's shards.

No model is loaded. A file that does not exist is no damage: Snakemake makes it again where something needs it.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from amongus.core.checksums import FINGERPRINT, hash_file, read_sums
from amongus.core.damage import move_aside, unreadable
from amongus.core.errors import StudyError, run_command
from amongus.inference.answer_cache import Store, load_shard
from amongus.study.loading import read_configs
from amongus.study.names import STORE

RESULTS = Path("results")
MISSING = "missing"


@dataclass(frozen=True)
class Finding:
    """A file, why it cannot be used, and what is moved aside if it is damaged: itself or the folder it is part of.

    `whole` is None where the file is refused or cannot be read, so perhaps not damaged; `reason` is then the whole line.
    """

    path: Path
    reason: str
    whole: Path | None


def verify_files(sums: Mapping[Path, str]) -> Iterator[Finding]:
    """The files that do not have the sha256 that is listed, or are missing in a folder that is made as one."""
    folders = {path.parent for path in sums if path.name == FINGERPRINT}
    for path, digest in tqdm(sorted(sums.items()), desc="files", unit="file", disable=None):
        folder = next((parent for parent in path.parents if parent in folders), None)
        try:
            if hash_file(path) != digest:
                yield Finding(path, "checksum differs", folder or path)
        except FileNotFoundError:
            if folder and folder.is_dir():
                yield Finding(path, MISSING, folder)
        except OSError as error:
            yield Finding(path, str(unreadable(path, error)), None)


def verify_store(root: Path) -> Iterator[Finding]:
    """The shards of a store that are damaged, and what is refused."""
    store = Store(root)
    for fingerprint in store.fingerprints():
        try:
            for path in store.shards(fingerprint):
                try:
                    load_shard(path)
                except FileNotFoundError:
                    pass  # Compacted meanwhile.
                except ValueError as error:
                    yield Finding(path, str(error), path)
        except StudyError as error:
            yield Finding(root / fingerprint, str(error), None)


def main() -> int:
    """Print a line per file that is damaged or cannot be checked; 1 if there is any.

    Raises:
        StudyError: nothing is here to verify, or a run may be reading what is to be moved.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", nargs="*", default=[], help="the study's files; default is all results")
    parser.add_argument("--move", action="store_true", help="move what is damaged aside")
    arguments = parser.parse_args()
    if arguments.move and any(Path(".snakemake/locks").glob("*.lock")):
        raise StudyError(
            "Snakemake is running in this folder and may be reading what is damaged: wait until it has ended; "
            "if it was killed, `snakemake --unlock`"
        )
    config = read_configs(arguments.config)
    store = Path(config.get("store", STORE))
    studies = [RESULTS / config["study"]] if "study" in config else sorted(RESULTS.glob("*"))
    sums = {path: digest for study in studies for path, digest in read_sums(study).items()}
    if not sums:
        named = studies[0] if "study" in config else RESULTS
        raise StudyError(f"{named}: no checksums here to verify; run the study first")
    found = [*verify_files(sums), *verify_store(store)]
    for line in dict.fromkeys(_line(finding, arguments.move) for finding in found):
        print(line)
    # Loading checks the length of weights alone, so damaged ones may have been used.
    weights = [one for one in found if one.path.suffix == ".safetensors" and one.reason != MISSING]
    for model in sorted({one.whole for one in weights if one.whole and one.whole != one.path}):
        print(
            f"{model}: answers of its damaged weights may be in {store}, where the model made again would find "
            f"them; remove {store} before you run the study again (docs/integrity.md)"
        )
    damaged = sum(finding.whole is not None for finding in found)
    if damaged:
        again = "Run the study again" if arguments.move else "Move it aside and run the study again"
        print(f"{damaged} damaged. {again}: what is missing is made again where something needs it.")
    if damaged < len(found):
        print(f"{len(found) - damaged} not checked, and not moved.")
    if not found:
        print(f"{len(sums)} files and {store}: nothing is damaged")
    return int(bool(found))


def _line(finding: Finding, move: bool) -> str:
    """The line about a finding, after it is moved aside if it is damaged and `move` is set."""
    if finding.whole is None:
        return finding.reason
    fix = f"make verify MOVE=1 moves {finding.whole} aside"
    if move:
        try:
            fix = f"moved to {move_aside(finding.whole)}"
        except OSError as error:
            fix = f"{finding.whole} cannot be moved aside ({error.strerror}); ask its owner to remove it"
    return f"{finding.path}: damaged ({finding.reason}); {fix}"


if __name__ == "__main__":
    run_command(main)
