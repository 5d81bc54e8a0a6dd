"""Checks of what a study is made from: files, addresses and hub repositories, pinned and to be had."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from amongus import datasets
from amongus.doctor import reach
from amongus.doctor.findings import Finding, missing, note, ok
from amongus.planning import fetched
from amongus.study import Study

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SECTIONS = ("datasets", "data", "models", "attackers")


def revisions(study: Study) -> list[Finding]:
    """Hub repositories are named at a commit."""
    models = study.config["models"]
    wanted = fetched(study)
    loose = [name for name in wanted if not _COMMIT.fullmatch(str(models[name].get("revision", "")))]
    found = [
        missing(
            f"model {name}: {models[name].get('repo')} is not pinned (revision: {models[name].get('revision')})",
            "make pin CONFIG=<the study's file> writes the hub's present commit",
        )
        for name in loose
    ]
    pinned = len(wanted) - len(loose)
    return [ok(f"{pinned} hub repositories are pinned"), *found] if pinned else found


def token(study: Study, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """Somebody to be at the hub, where a model comes from it."""
    if not fetched(study) or study.config.get("hub_folder"):
        return []
    if token_place(environ):
        return [ok(f"a hub token is in {token_place(environ)}")]
    return [
        note(
            "no hub token: open repositories do not need one, others do",
            "hf auth login, or export HF_TOKEN=…",
        )
    ]


def token_place(environ: Mapping[str, str]) -> str:
    """Where `huggingface_hub` will find a token: the variable's name or the file's path; empty if nowhere."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if environ.get(name, "").strip():
            return name
    cache = environ.get("XDG_CACHE_HOME") or os.path.join(environ.get("HOME", "~"), ".cache")
    home = environ.get("HF_HOME") or os.path.join(cache, "huggingface")
    path = Path(environ.get("HF_TOKEN_PATH") or os.path.join(home, "token")).expanduser()
    return str(path) if path.is_file() and path.stat().st_size else ""


def checksums(study: Study) -> list[Finding]:
    """Files are named with their sha256, or rows made by the dataset's module."""
    found = [
        missing(f"{place}: no sha256, so the file would be refused", "add the file's sha256 to the config")
        for place, spec in _files(study)
        if not spec.get("sha256")
    ]
    for name, spec in study.datasets.items():
        if not (
            spec.get("path") or spec.get("url") or hasattr(datasets.load(study.dataset_kind(name)), "rows")
        ):
            found.append(missing(f"datasets: {name}: no source", "give its path or url, and sha256"))
    return found or [ok("every source file has its sha256")]


def local(study: Study) -> list[Finding]:
    """Files and repositories that are read from this machine."""
    wanted = [(place, Path(spec["path"])) for place, spec in _files(study) if spec.get("path")]
    folder = study.config.get("hub_folder")
    if folder:
        models = study.config["models"]
        wanted += [(f"models: {n}", Path(folder, str(models[n].get("repo")))) for n in fetched(study)]
    found = [
        missing(f"{place}: no {path}", "put it there, or give another path or folder in the config")
        for place, path in wanted
        if not path.exists()
    ]
    there = len(wanted) - len(found)
    return [ok(f"{there} local sources are there"), *found] if there else found


def reachable(study: Study, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """Addresses and hub repositories answer; what is read from a local folder is not asked for."""
    wanted = {place: spec["url"] for place, spec in _files(study) if spec.get("url") and not spec.get("path")}
    if not study.config.get("hub_folder"):
        wanted |= {f"models: {name}": _address(study, name, environ) for name in fetched(study)}
    answers = reach.problems(wanted.values())
    found = [_unreachable(place, url, answers[url], environ) for place, url in wanted.items() if answers[url]]
    there = len(wanted) - len(found)
    return [ok(f"{there} remote sources answer"), *found] if there else found


def _unreachable(place: str, url: str, problem: str, environ: Mapping[str, str]) -> Finding:
    if reach.asks_who(problem):
        mend = "accept its terms on its page and give a token (hf auth login)"
        if place.startswith("models: ") and token_place(environ):
            return note(f"{place}: {url} asks who you are ({problem})", "see that your token may read it")
        return missing(f"{place}: {url} asks who you are ({problem})", mend)
    folder = "hub_folder" if place.startswith("models: ") else "datasets_folder"
    return missing(
        f"{place}: {url} does not answer ({problem})",
        f"check the network and the address, or set {folder} to a folder that holds it",
    )


def _address(study: Study, name: str, environ: Mapping[str, str]) -> str:
    """Where the hub describes a repository at its commit."""
    hub = environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    spec = study.config["models"][name]
    revision = str(spec.get("revision", ""))
    pinned = f"/revision/{revision}" if _COMMIT.fullmatch(revision) else ""
    return f"{hub}/api/models/{spec.get('repo')}{pinned}"


def _files(study: Study) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Everything in the config that is read from a `path` or a `url`, and its place there."""
    folder = study.config.get("datasets_folder")
    for section in _SECTIONS:
        for place, spec in _walk(section, study.config.get(section) or {}):
            if folder and spec.get("url"):
                yield place, {**spec, "path": f"{folder.rstrip('/')}/{spec['url'].rsplit('/', 1)[-1]}"}
            else:
                yield place, spec


def _walk(place: str, value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(value, Mapping):
        return
    if any(isinstance(value.get(key), str) for key in ("path", "url")):
        yield place, value
        return
    for key, inner in value.items():
        yield from _walk(f"{place}: {key}", inner)
