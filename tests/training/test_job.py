"""A training as its rule describes it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from amongus.core.json_files import write_json
from amongus.training.job import TrainJob, job_of_rule
from examples import examples
from standins import Named

SPEC = {key: value for key, value in examples("trainings")["sft"].items() if key != "kind"}
PROMPTS = {"debate.refine": {"text": "{question}", "item": "- {text}"}}


@pytest.fixture
def rule(tmp_path):
    """A rule of a training from data, with some of its parts replaced."""
    for name in ("base", "other"):
        write_json(tmp_path / name / "fingerprint.json", {"fingerprint": name})
    (tmp_path / "answers.parquet").write_bytes(b"rows")

    def described(parents=("base", "base"), data=("answers.parquet",), seed="1", **params):
        fields = {"name": "attacker", "plugin": ["attackers", "sft"], "spec": SPEC}
        fields |= {"parents": {"base": "b", "reward": "r"}}
        fields |= {"prompts": PROMPTS, "personas": {"benign": ["Be kind."]}, "code": "code"}
        fields |= {"scratch": str(tmp_path / "scratch"), "machine": {"processes": 2}}
        return SimpleNamespace(
            input=Named(
                parents=[str(tmp_path / name) for name in parents], data=[str(tmp_path / name) for name in data]
            ),
            params=Named(**{**fields, **params}),
            wildcards=SimpleNamespace(seed=seed),
        )

    return described


def test_models_are_known_by_their_roles(rule, tmp_path):
    job = job_of_rule(rule(("base", "other")), tmp_path / "out")
    assert job.models == {"base": tmp_path / "base", "reward": tmp_path / "other"}
    assert (job.seed, job.processes, job.data) == (1, 2, tmp_path / "answers.parquet")
    assert job.prompts["debate.refine"].render(question="why?") == "why?"


def test_a_job_reaches_the_processes_of_its_training_as_it_is(rule, tmp_path):
    job = job_of_rule(rule(), tmp_path / "out")
    assert TrainJob.from_json(job.to_json()) == job and job.spec.learning_rate == 0.01


def test_questions_are_known_by_their_datasets(rule):
    described = rule(data=(), datasets=["a", "b"])
    described.input = Named(parents=described.input.parents, questions=["q/a.parquet", "q/b.parquet"])
    job = job_of_rule(described, Path("out"))
    assert job.questions == {"a": Path("q/a.parquet"), "b": Path("q/b.parquet")}
    assert job.data is None and job.scratch is None


def test_a_scratch_folder_is_named_by_all_that_decides_the_result(rule, tmp_path):
    def scratch(**changes):
        return job_of_rule(rule(**changes), tmp_path / "out").scratch

    assert scratch() == scratch()
    others = [
        scratch(code="other"),
        scratch(seed="2"),
        scratch(spec={**SPEC, "epochs": 3}),
        scratch(parents=("base", "other")),
        scratch(personas={"benign": ["Be nice."]}),
        scratch(machine={"accelerate": {"distributed_type": "FSDP"}}),
    ]
    assert len({scratch(), *others}) == 7
    assert all(path.parent == tmp_path / "scratch" and path.name.startswith("attacker.") for path in others)
