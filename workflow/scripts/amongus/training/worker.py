"""One process of a training that accelerate has started: `python -m amongus.training.worker MODULE job.json`."""

import importlib
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

from amongus.core.errors import StudyError, full_disk
from amongus.core.json_files import write_json
from amongus.core.processes import die_with_parent
from amongus.training.job import TrainJob

RESULT = "result.json"
"""Beside the job: what the training returned (`metrics`), or why a process failed (`error`)."""


def main(module: str, path: Path) -> int:
    """Call `train(job)` of a module with the job in `path`; the first process writes what it returned."""
    die_with_parent()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    result = path.with_name(RESULT)
    try:
        metrics = importlib.import_module(module).train(TrainJob.from_json(path.read_bytes()))
    except Exception as error:
        line = error if isinstance(error, StudyError) else full_disk(error, path.parent)
        if line is None:
            raise
        logging.exception("%s", line)
        # The disk may be too full for this as well.
        with suppress(StudyError):
            write_json(result, {"error": str(line)})
        return 1
    if os.environ.get("RANK", "0") == "0":
        write_json(result, {"metrics": metrics})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
