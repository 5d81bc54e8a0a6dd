"""What every script of a rule needs: an end with its run, a log, GPUs of its own, and checksums of its outputs."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TextIO, TypeVar

from amongus.core.checksums import sums_path, write_sums
from amongus.core.errors import StudyError, full_disk
from amongus.core.gpus import take_gpus
from amongus.core.processes import end_with_run
from amongus.core.snakemake_job import Job

# First, because a script's other imports may take seconds.
end_with_run()

T = TypeVar("T")


def run(snakemake: Job, main: Callable[[Job], T]) -> T:
    """Run the `main` of a rule's script as a job and return what it returns.

    It has a log, as many GPUs as the rule and, once it has succeeded, a file with the checksums of all its outputs. That
    of earlier outputs is removed first, because these are about to change.
    """
    configure_logging(snakemake)
    # None in a script that is run by itself, as tests do.
    sums = sums_path(snakemake.log[0]) if snakemake.log else None
    if sums:
        sums.unlink(missing_ok=True)
    take_gpus(snakemake.resources.get("gpu", 0))
    made = main(snakemake)
    if sums:
        write_sums(sums, snakemake.output)
    return made


def configure_logging(snakemake: Job) -> None:
    """Send log records, progress bars and uncaught exceptions to the rule's log and, errors, to the screen.

    A `StudyError`, or a full disk, is shown as its one line; anything else with its traceback.
    """
    screen: TextIO = sys.stderr
    if snakemake.log:
        Path(snakemake.log[0]).parent.mkdir(parents=True, exist_ok=True)
        screen = os.fdopen(os.dup(2), "w", buffering=1)
        # The descriptor itself, because progress bars and libraries write to it.
        os.dup2(os.open(snakemake.log[0], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), 2)
        sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)
    level = getattr(logging, str(snakemake.config.get("log_level", "INFO")).upper(), logging.INFO)
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr, force=True
    )
    logging.captureWarnings(True)

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        line = error if issubclass(kind, StudyError) else full_disk(error, os.getcwd())
        if line:
            logging.error("%s", line)
            print(f"Error: {line}", file=screen)
        else:
            logging.critical("uncaught exception", exc_info=(kind, error, trace))
            print(f"{kind.__name__}: {error}", file=screen)

    sys.excepthook = report
