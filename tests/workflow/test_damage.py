"""Damaged results under real Snakemake: named, moved aside, and made again by the next invocation.

Models are stand-ins that write fixed answers, so that a study takes seconds; what reads and writes files is real.
"""

import shutil
import subprocess
from textwrap import indent

import pytest

import micro
from checkout import ROOT
from damage import harm
from harness import Project

pytestmark = pytest.mark.slow

REAL = ("dataset", "score", "table")
IMPORTS = """
from _helpers import run
from amongus.core.atomic import whole_directory
from amongus.core.tables import QUESTIONS, RESPONSES, RUNS, TRANSCRIPTS, read_table, write_table
from amongus.members.member import Member, load_member, save_member, write_fingerprint
from amongus.report.cost_sidecars import write_cost

def main(snakemake):
"""
FIXED = {
    "train": """
with whole_directory(snakemake.output[0]) as folder:
    (folder / "weights").write_text(snakemake.wildcards.model)
    write_fingerprint(folder, weights=False)
write_cost(snakemake.output.cost, "train", {"seconds": 1})
""",
    "member": """
save_member(snakemake.output[0], Member(snakemake.wildcards.member, "base", fingerprint="f"))
""",
    "respond": """
member = load_member(snakemake.input.member)
for questions, path in zip(snakemake.input.questions, snakemake.output.responses, strict=True):
    ids = read_table(questions, QUESTIONS)["id"].to_pylist()
    answers = {"text": [member.name] * len(ids), "n_tokens": [1] * len(ids), "stop_reason": ["stop"] * len(ids)}
    write_table(path, {"id": ids, **answers}, RESPONSES)
write_cost(snakemake.output.cost, "respond", {"prompts_asked": len(ids)})
""",
    "collaborate": """
paths = zip(snakemake.input.questions, snakemake.output.runs, snakemake.output.transcripts, strict=True)
for questions, runs, transcripts in paths:
    ids = read_table(questions, QUESTIONS)["id"].to_pylist()
    rows = {field.name: [None] * len(ids) for field in RUNS}
    write_table(runs, rows | {"id": ids, "text": ids, "defence": ["none"] * len(ids)}, RUNS)
    write_table(transcripts, {field.name: [] for field in TRANSCRIPTS}, TRANSCRIPTS)
write_cost(snakemake.output.cost, "collaborate", {})
""",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A study of one method that was made once."""
    study = micro.study(
        models=micro.models("base", "x", "y"),
        attackers={"prompt": micro.STUDY["attackers"]["prompt"]},
        pools={"clean": ["x", "y"], "prompt": ["x", "prompt"]},
        methods={"debate": {"defences": ["none"], "rounds": 2}},
        supervisors={},
    )
    made = Project(tmp_path_factory.mktemp("damage"), study).stub()
    scripts = made.folder / "workflow" / "scripts"
    for name in REAL:
        shutil.copyfile(ROOT / "workflow" / "scripts" / f"{name}.py", scripts / f"{name}.py")
    for name, text in FIXED.items():
        (scripts / f"{name}.py").write_text(IMPORTS + indent(text, "    ") + "\nrun(snakemake, main)\n")
    made.run("tables")
    return made


@pytest.mark.parametrize(
    ("name", "damage", "again", "spared"),
    [
        (
            "seed-1/datasets/knowledge/test.parquet",
            "flipped",
            "dataset-knowledge respond-x table-alone",
            "dataset-reasoning",
        ),
        ("seed-1/members/y.json", "truncated", "member-y respond-y table-alone", "respond-x"),
        ("seed-1/scores/responses/y/knowledge/test.parquet", "empty", "score_responses-y table-alone", "respond-y"),
        (
            "seed-1/runs/clean/debate/knowledge.parquet",
            "truncated",
            "collaborate-clean-debate score_runs-clean-debate table-impact",
            "respond-x",
        ),
    ],
)
def test_damage_is_named_by_its_reader_and_made_again_by_the_next_run(project, name, damage, again, spared):
    kept = {name: (project.results / "tables" / name).read_bytes() for name in ("alone.csv", "alone.md")}
    harm(project.results / name, damage)
    failed = project.snakemake("tables", check=False)
    assert failed.returncode
    assert f"Error: results/micro/{name}: damaged (" in failed.stdout + failed.stderr
    assert not (project.results / name).exists() and (project.results / f"{name}.damaged").exists()
    ran = set(project.run("tables"))
    assert set(again.split()) <= ran
    assert spared not in ran and not any(job.startswith("train-") for job in ran)
    assert {name: (project.results / "tables" / name).read_bytes() for name in kept} == kept


def test_make_verify_moves_a_model_aside_and_the_next_run_makes_it_again(project):
    weights = project.results / "seed-1" / "models" / "y" / "weights"
    harm(weights, "flipped")
    shutil.copyfile(ROOT / "Makefile", project.folder / "Makefile")
    command = ["make", "-o", ".venv/.installed", "verify", "CONFIG=study.yaml", "MOVE=1"]
    found = subprocess.run(command, cwd=project.folder, env=project.environment(), capture_output=True, text=True)
    assert found.returncode and "models/y/weights: damaged (checksum differs); moved to" in found.stdout
    pending = set(project.pending("tables"))
    assert {"train-y", "member-y", "respond-y"} <= pending and not {"train-x", "respond-x"} & pending
