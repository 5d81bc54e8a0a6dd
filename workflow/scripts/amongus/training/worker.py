"""One process of a training that accelerate has started: `python -m amongus.training.worker job.json`."""

import importlib
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

from amongus.core.errors import StudyError, full_disk
from amongus.core.json_files import write_json
from amongus.training.launching import die_with_parent, read_job


def main(path: Path) -> int:
    """Train; the first process writes what came of it beside `path`."""
    die_with_parent()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    name, job = read_job(path)
    result = path.with_name("result.json")
    try:
        metrics = importlib.import_module(name).train(job)
    except Exception as error:
        line = error if isinstance(error, StudyError) else full_disk(error, path.parent)
        if line is None:
            raise
        logging.exception("%s", line)
        # There may be no room for this either.
        with suppress(StudyError):
            write_json(result, {"error": str(line)})
        return 1
    if os.environ.get("RANK", "0") == "0":
        write_json(result, {"metrics": metrics})
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
