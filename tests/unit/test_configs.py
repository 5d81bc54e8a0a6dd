"""Values of `--config`, and machines without what a study asks for."""

from amongus import machine
from amongus.configs import typed
from amongus.files import read_json, write_json


def test_lists_and_mappings_of_the_command_line_get_their_types():
    given = {
        "seeds": ["1", "02"],
        "engine": {"device": "cpu", "max_batch": "7", "deep": ["0.5", "x"]},
        "study": "7",
    }
    assert typed(given) == {"seeds": [1, 2], "engine": {"device": "cpu", "max_batch": 7, "deep": [0.5, "x"]}}


def test_locks_of_a_dead_run_are_removed_and_of_a_living_one_kept(tmp_path):
    lock = tmp_path / "locks" / "0.output.lock"
    lock.parent.mkdir()
    lock.write_text("x")
    assert not machine.release_dead(tmp_path) and lock.exists()
    machine.claim(tmp_path)
    assert not machine.release_dead(tmp_path) and lock.exists()
    owner = read_json(tmp_path / "owner.json")
    write_json(tmp_path / "owner.json", {**owner, "host": "elsewhere", "began": "0"})
    assert not machine.release_dead(tmp_path) and lock.exists()
    write_json(tmp_path / "owner.json", {**owner, "began": "0"})
    assert machine.release_dead(tmp_path) and not lock.exists()
