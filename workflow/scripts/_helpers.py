"""What every script of a rule needs, before anything else: an end with its run, and a log that also holds its failures."""

import logging
import os
import sys
from types import TracebackType
from typing import Any

from amongus.errors import StudyError, full_disk
from amongus.machine import end_with_run

# Now, since what a script imports next may take seconds.
end_with_run()


def configure_logging(snakemake: Any) -> None:
    """Send log records, progress bars and uncaught exceptions to the rule's log and, errors, to the screen.

    A `StudyError`, or a full disk, is shown as its one line; anything else with its traceback.
    """
    level = getattr(logging, str(snakemake.config.get("log_level", "INFO")).upper(), logging.INFO)
    if snakemake.log:
        os.makedirs(os.path.dirname(str(snakemake.log[0])), exist_ok=True)
        # Progress bars and libraries write to the descriptor, so that is what is redirected.
        screen = os.fdopen(os.dup(2), "w", buffering=1)
        log = open(str(snakemake.log[0]), "w", buffering=1, encoding="utf-8", errors="replace")  # noqa: SIM115
        os.dup2(log.fileno(), 2)
        sys.stderr = log
    else:
        screen = sys.stderr
    logging.basicConfig(
        level=level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
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
