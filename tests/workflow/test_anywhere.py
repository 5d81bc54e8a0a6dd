"""The workflow runs from any folder, and as a module of another workflow: resources are found, and results lie there."""

import shutil

import pytest
import yaml

import micro
from harness import Project, jobs

pytestmark = pytest.mark.slow
ELSEWHERE = """
configfile: "study.yaml"


module amongus:
    snakefile:
        "../a project/Snakefile"
    config:
        config


use rule * from amongus as amongus_*


rule mine:
    default_target: True
    input:
        rules.amongus_datasets.input,
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = Project(tmp_path_factory.mktemp("anywhere") / "a project", micro.study())
    # The study's own files are beside it, the default ones beside the Snakefile.
    own, here = made.folder.with_name("my study"), made.folder.with_name("here")
    for folder in (own, here):
        folder.mkdir()
    shutil.copyfile(made.folder / "resources/prompts/toy.yaml", own / "mine.yaml")
    (own / "study.yaml").write_text(yaml.safe_dump(micro.study(prompts="mine.yaml")))
    return made


def test_from_another_folder(project):
    snakefile, own, here = (project.folder.parent / name for name in ("a project/Snakefile", "my study", "here"))
    done = project.snakemake(
        "--dry-run", "datasets", "--snakefile", str(snakefile), "--directory", str(here), study=own / "study.yaml"
    )
    assert set(jobs(done.stdout)) == {f"dataset-{name}" for name in project.study["datasets"]}
    assert not list(own.glob("results*")) and not list(project.folder.glob("results*"))


def test_as_a_module(project):
    own = project.folder.with_name("my study")
    (own / "Snakefile").write_text(ELSEWHERE)
    done = project.snakemake("--dry-run", "--snakefile", str(own / "Snakefile"), "--directory", str(own))
    assert {name.partition("-")[0] for name in jobs(done.stdout)} == {"amongus_dataset", "mine"}
