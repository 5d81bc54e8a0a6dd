"""Checks of what a study is made from: files, addresses and hub repositories, pinned and to be had."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from amongus import datasets
from amongus.cli.doctor import reachability
from amongus.cli.doctor.findings import Finding, missing, note, ok
from amongus.cli.estimate import fetched
from amongus.core.offline import in_folder
from amongus.study.study import Study

_COMMIT = re.compile(r"[0-9a-f]{40}")
_OFFLINE = "check the network, or set datasets_folder, or hub_folder for the hub, to a folder that holds them"
_SECTIONS = ("datasets", "data", "models", "attackers")


def revisions(study: Study) -> list[Finding]:
    """Hub repositories are named at a commit."""
    wanted = _repositories(study)
    found = [
        missing(
            f"{place}: {spec['repo']} is not pinned (revision: {spec.get('revision')})",
            "make pin CONFIG=<the study's file> writes the hub's present commit",
        )
        for place, spec in wanted.items()
        if not _commit(spec)
    ]
    pinned = len(wanted) - len(found)
    return [ok(f"{pinned} hub repositories are pinned"), *found] if pinned else found


def token(study: Study, environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """Somebody to be at the hub, where a model comes from it."""
    if not _repositories(study) or study.config.get("hub_folder"):
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
        wanted += [(place, Path(folder, spec["repo"])) for place, spec in _repositories(study).items()]
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
        wanted |= {place: _address(spec, environ) for place, spec in _repositories(study).items()}
    answers = reachability.problems(wanted.values())
    refused = {place: url for place, url in wanted.items() if answers[url].startswith("HTTP ")}
    found = [_refused(place, url, answers[url], environ) for place, url in refused.items()]
    there = sum(not answers[url] for url in wanted.values())
    remote = [*found, *_silent(answers, wanted)]
    return [ok(f"{there} remote sources answer"), *remote] if there else remote


def _silent(answers: Mapping[str, str], wanted: Mapping[str, str]) -> list[Finding]:
    """Servers that do not answer at all, a line for each with what is to be had there."""
    servers: dict[tuple[str, str], list[str]] = {}
    for place, url in wanted.items():
        if answers[url] and not answers[url].startswith("HTTP "):
            servers.setdefault((urlsplit(url).netloc or url, answers[url]), []).append(place)
    return [
        missing(f"{server} does not answer ({problem}), for {', '.join(places)}", _OFFLINE)
        for (server, problem), places in servers.items()
    ]


def _refused(place: str, url: str, problem: str, environ: Mapping[str, str]) -> Finding:
    """What a server answers instead of a source."""
    if not reachability.asks_who(problem):
        return missing(f"{place}: {url} is not to be had ({problem})", f"mend the address; {_OFFLINE}")
    if token_place(environ):
        return note(f"{place}: {url} asks who you are ({problem})", "see that your token may read it")
    mend = "accept its terms on its page and give a token (hf auth login)"
    return missing(f"{place}: {url} asks who you are ({problem})", mend)


def _repositories(study: Study) -> dict[str, Mapping[str, Any]]:
    """What the config names by its `repo` on the hub, by its place."""
    models = {f"models: {name}": study.config["models"][name] for name in fetched(study)}
    data = {f"data: {name}": spec for name, spec in (study.config.get("data") or {}).items()}
    return {place: spec for place, spec in (models | data).items() if spec.get("repo")}


def _address(spec: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """Where the hub describes a repository at its commit."""
    hub = environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    kind = "" if spec["repo"].startswith("datasets/") else "models/"
    return f"{hub}/api/{kind}{spec['repo']}" + (f"/revision/{spec['revision']}" if _commit(spec) else "")


def _commit(spec: Mapping[str, Any]) -> bool:
    return bool(_COMMIT.fullmatch(str(spec.get("revision", ""))))


def _files(study: Study) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Everything in the config that is read from a `path` or a `url`, and its place there."""
    folder = study.config.get("datasets_folder")
    for section in _SECTIONS:
        for place, spec in _walk(section, study.config.get(section) or {}):
            yield place, in_folder(spec, folder)


def _walk(place: str, value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(value, Mapping):
        return
    if any(isinstance(value.get(key), str) for key in ("path", "url")):
        yield place, value
        return
    for key, inner in value.items():
        yield from _walk(f"{place}: {key}", inner)
