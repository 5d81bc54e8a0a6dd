"""`make doctor`: what a study lacks on this machine, before it runs: sources, GPUs, disk space, the sandbox.

Jobs check the same again when they start. On a cluster run it where jobs run.
"""

import argparse
import shutil
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

from amongus import sandbox
from amongus.cli.plan import disk
from amongus.core.download import mirrored, use_mirrors
from amongus.core.errors import StudyError, run_command
from amongus.core.gpus import check_gpus
from amongus.datasets._sources import check_local
from amongus.hub.repository import local_repository
from amongus.members.chat_template import load_tokenizer
from amongus.scoring import installed, of_scored_code
from amongus.study import plugins
from amongus.study.hub_references import check_pinned
from amongus.study.loading import read_study
from amongus.study.study import Study

_SECONDS = 5.0
Check = Callable[[], object]


def checks(study: Study) -> Iterator[tuple[str, Check]]:
    """What is checked, in words, and a function that raises `StudyError` where it is missing."""
    for name in study.datasets:
        yield f"dataset {name}", partial(_dataset, study, name)
    for name, data in study.data.items():
        if not data.repo:
            yield f"data {name}", partial(_file, data.plain())
    for name in study.attackers:
        if vectors := study.published(name):
            yield f"vectors of {name}", partial(_file, vectors)
    asked = {study.weights(member)["base"] for member in study.members} | set(study.config.supervisors.plain().values())
    for name in sorted(asked & set(study.fetched)):
        yield f"chat template of {name}", partial(_chat, study, name)
    repositories: dict[str, Any] = {f"model {name}": entry for name, entry in study.fetched.items()}
    repositories |= {f"data {name}": entry for name, entry in study.data.items() if entry.repo}
    for place, entry in repositories.items():
        yield place, partial(_repository, entry.repo, entry.revision, study.config.hub_folder)
    yield "GPUs", lambda: _gpus(study)
    yield "disk space", lambda: _disk(study)
    metrics = [study.metric(dataset) for dataset in study.datasets if dataset not in study.graded]
    if any(plugins.fact("scoring.metrics", metric, "EXECUTES", False) for metric in metrics):
        yield "sandbox for code that is scored", lambda: sandbox.preflight()
    if libraries := of_scored_code(metrics):
        yield "libraries for code that is scored", lambda: _libraries(libraries)


def examine(study: Study) -> dict[str, str]:
    """Every check and what is missing, in one line; empty where nothing is."""
    named = dict(checks(study))
    with ThreadPoolExecutor(16) as pool:
        return dict(zip(named, pool.map(_line, named.values()), strict=True))


def _line(check: Check) -> str:
    try:
        check()
    except StudyError as error:
        return str(error)
    except Exception as error:  # A check that fails itself must not hide the others.
        return str(StudyError(f"could not be checked ({type(error).__name__}: {error})"))
    return ""


def _dataset(study: Study, name: str) -> None:
    """A file that is there, with rows as the dataset's module expects them; or an address that answers."""
    spec = study.dataset_spec(name)
    check_local(name, spec)
    if mirrored(spec).get("url"):
        _file(spec)


def _file(spec: Mapping[str, Any]) -> None:
    """A file that is there, or its copy in a mirror, with a checksum to know it by."""
    spec = mirrored(spec)
    where = spec.get("path") or spec["url"]
    if not spec.get("sha256"):
        raise StudyError(f"{where}: no sha256 in the config; add the file's")
    if spec.get("path"):
        if not Path(where).is_file():
            raise StudyError(f"{where}: no such file; give another path or a url in the study's config")
        return
    try:
        urllib.request.urlopen(where, timeout=_SECONDS).close()
    except (OSError, HTTPException, ValueError) as error:
        raise StudyError(
            f"{where}: unavailable ({error}); check the address and the network, or set datasets_folder to a folder "
            "that holds it"
        ) from None


def _repository(repo: str, revision: str, folder: str | None) -> None:
    """A repository that is pinned, and available here or on the hub."""
    check_pinned(repo, revision)
    if folder:
        local_repository(folder, repo, revision)
    else:
        from amongus.hub.download import check_access

        check_access(repo, revision)


def _chat(study: Study, name: str) -> None:
    """A tokenizer that the study's conversations can be written with, where the model is on this machine."""
    folders = [Path(study.paths.fetched(name))]
    if study.config.hub_folder:
        folders.append(Path(study.config.hub_folder, study.repository(name)["repo"]))
    if folder := next((one for one in folders if one.is_dir()), None):
        load_tokenizer(folder)


def _gpus(study: Study) -> None:
    """As many as the job that needs most."""
    trainings = [study.training_resources(name)["gpu"] for name in (*study.trained, *study.extracted)]
    check_gpus(max([study.config.gpus_per_job, *trainings]))


def _disk(study: Study) -> None:
    """As much free space as the plan expects."""
    wanted, root = sum(disk(study).values()), Path(study.paths.root).absolute()
    place = next(path for path in (root, *root.parents) if path.exists())
    free = shutil.disk_usage(place).free / 1e9
    if free < wanted:
        raise StudyError(
            f"{study.paths.root}: {free:,.1f} GB are free, and the study may need {wanted:,.1f} (make plan); make room, or "
            "let results be a link to a larger disk"
        )


def _libraries(named: Mapping[str, str]) -> None:
    """What answers may import, by module and package."""
    if absent := [package for name, package in named.items() if not installed(name)]:
        raise StudyError(f"items that need these are not scored; pip install {' '.join(absent)}")


def malicious_weights(study: Study) -> list[str]:
    """The attackers whose weights or vectors could harm outside the toy world: those made from a fetched model."""
    return [
        name
        for name, entry in study.attackers.items()
        if not entry.placebo
        and (study.trains(name) or study.attackers_model(name))
        and study.weights(name)["base"] in study.fetched
    ]


def main() -> int:
    """Print a line for each check, what is missing last; 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", nargs="+", default=["config/demo.yaml"], help="the study's files")
    study = read_study(parser.parse_args().config)
    use_mirrors(study.config.datasets_folder, study.config.hub_folder)
    found = examine(study)
    for name, line in sorted(found.items(), key=lambda one: bool(one[1])):
        print(f"missing  {name}: {line}" if line else f"ok       {name}")
    if harmful := malicious_weights(study):
        print(
            f"note     {', '.join(harmful)}: malicious models of real size; keep {study.paths.root} readable by you alone "
            "(chmod 700), do not upload them, and name them malicious in the model card of every copy"
        )
    return int(any(found.values()))


if __name__ == "__main__":
    run_command(main)
