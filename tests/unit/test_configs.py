"""Values of `--config`, and machines without what a study asks for."""

import pytest

from amongus import machine
from amongus.configs import typed
from amongus.errors import StudyError


def test_lists_and_mappings_of_the_command_line_get_their_types():
    given = {
        "seeds": ["1", "02"],
        "engine": {"device": "cpu", "max_batch": "7", "deep": ["0.5", "x"]},
        "study": "7",
    }
    assert typed(given) == {"seeds": [1, 2], "engine": {"device": "cpu", "max_batch": 7, "deep": [0.5, "x"]}}


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(machine, "gpus", lambda: 0)
    machine.check_gpus(0, "cpu")
    with pytest.raises(StudyError, match=r"asks for 2 GPU\(s\) .* set engine"):
        machine.check_gpus(2, "cuda")
    monkeypatch.setattr(machine, "gpus", lambda: 2)
    machine.check_gpus(2, "cuda")
