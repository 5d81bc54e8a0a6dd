"""The LLM router's adapters, trained on a tiny random model."""

import json
import shutil

import pytest
from safetensors.torch import load_file

import teams
import tiny
from amongus.core.errors import StudyError
from amongus.inference.engine import Engine
from amongus.inference.sampling_params import Sampling
from amongus.members.member import write_fingerprint
from amongus.members.prompts import Template
from amongus.methods import llm_router
from teams import no_defence

PROMPTS = {"llm_router.route": Template("{question} Which?")}
POOL, ROWS = "abc", 10
# b is always right, the others where the question is common; all right answers have the same reward.
SCORES = {"a": [1.0, 0.0] * 5, "b": [1.0] * 10, "c": [1.0, 0.0] * 5}
TINY = {"rank": 4, "alpha": 8, "dropout": 0.0, "batch_size": 5, "epochs": 10}


def learn(base, out, **settings):
    out.mkdir()
    settings = llm_router.Settings(**{**TINY, **settings})
    questions = [f"question {row}?" for row in range(ROWS)]
    given = {"scores": SCORES, "rewards": SCORES, "models": {"base": base}, "prompts": PROMPTS}
    llm_router.learn(teams.lesson(POOL, ROWS, settings=settings, questions=questions, **given), out)
    write_fingerprint(out, weights=False)
    return settings


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A base, what its routers have learned, and their settings."""
    folder = tmp_path_factory.mktemp("llm_router")
    base = tiny.checkpoint(folder / "base")
    return base, folder / "out", learn(base, folder / "out", trainings=2, learning_rate=[1e-9, 0.01])


def members(folder):
    return llm_router.learned_members({}, "d", folder)


def test_the_rate_that_learns_is_taken_and_the_one_best_on_dev_is_asked(learned):
    _, out, settings = learned
    assert json.loads((out / "router.json").read_text())["learning_rate"] == 0.01
    routers = {member.name: member for member in members(out)}
    assert len(routers) == 2
    questions = [f"question {row}?" for row in range(10, 30)]
    task = teams.task(POOL, 20, settings=settings, prompts=PROMPTS, questions=questions, learned=out)
    outcomes = llm_router.collaborate(task, Engine(routers, Sampling(), seed=1), no_defence)
    assert [outcome.chosen for outcome in outcomes].count("b") >= 18


def test_trainings_differ_and_each_has_a_fingerprint_of_its_own(learned):
    _, out, _ = learned
    first, second = members(out)
    assert first.fingerprint != second.fingerprint
    weights = [load_file(f"{member.adapter}/adapter_model.safetensors") for member in (first, second)]
    assert any(not tensor.equal(weights[1][name]) for name, tensor in weights[0].items())


def test_one_rate_is_not_validated_and_the_same_lesson_gives_the_same_bytes(learned, tmp_path):
    base, out, _ = learned
    # At the rate that was chosen before, the adapters are those that were trained then.
    learn(base, tmp_path / "again", trainings=2, learning_rate=0.01)
    for training in "01":
        same = [(folder / training / "adapter_model.safetensors").read_bytes() for folder in (out, tmp_path / "again")]
        assert same[0] == same[1]


def test_a_damaged_adapter_of_any_training_is_found(learned, tmp_path):
    _, out, _ = learned
    shutil.copytree(out, tmp_path / "out")
    path = tmp_path / "out" / "1" / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(StudyError, match="damaged"):
        members(tmp_path / "out")
    assert not (tmp_path / "out").exists()
