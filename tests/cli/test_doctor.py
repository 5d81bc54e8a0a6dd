"""Each check of the doctor in surroundings made for it: a machine, an environment, a server on loopback."""

import copy
import json
import os
import re
import stat
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import yaml
from snakemake.utils import validate

import micro
from amongus import sandbox
from amongus.cli.doctor import examination, machine, reachability, sources
from amongus.cli.doctor.findings import MISSING, NOTE, OK, missing, note, ok, report
from amongus.core.errors import StudyError
from amongus.scoring.libraries import installed
from amongus.study.plugins import fact
from amongus.study.study import Study
from checkout import ROOT

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PINNED = {"sha256": "0" * 64}


def study(**changes):
    """The micro study without attackers, with `changes`."""
    config = {
        **copy.deepcopy(micro.STUDY),
        "attackers": {},
        "pools": {"clean": ["x", "y"]},
        "methods": {"debate": {}},
        **changes,
    }
    validate(config, str(ROOT / "config" / "schema.yaml"))
    return Study(config)


@pytest.fixture
def remote(tmp_path):
    """A study whose experts stand on a base of the hub: a function of the base's settings."""
    kind = tmp_path / "far.py"
    kind.write_text("ROLES = ()\nLORA = False\nFETCHED = True\n")

    def made(hub_folder=None, **spec):
        fetched = {"kind": str(kind), "repo": "owner/base", "revision": COMMIT, **spec}
        given = study(models={**micro.STUDY["models"], "base": fetched})
        # The key is that of the hub's own rules.
        given.config["hub_folder"] = hub_folder
        return given

    return made


@contextmanager
def server(codes):
    """Loopback: answers HEAD of a path with its code, and notes who asked for what."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(codes.get(self.path, 404))
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}", asked
        listening.shutdown()


def states(findings):
    return [one.state for one in findings]


def the_one(findings):
    (one,) = findings
    return one


# -- the report ----------------------------------------------------------------------------------------


def test_the_report_ends_with_what_is_missing_and_counts():
    shown = report([missing("b", "get b"), ok("a"), note("c", "mind c")]).splitlines()
    assert shown == [
        "ok       a",
        "note     c; mind c",
        "missing  b; get b",
        "1 missing, 1 to note, 1 in order",
    ]


def test_what_a_server_says_stays_one_line_and_moves_no_cursor():
    shown = report([missing("HTTP 404 a\nb\x1b[2J", "mend")])
    assert len(shown.splitlines()) == 2 and "\x1b" not in shown


def test_a_check_that_breaks_keeps_no_other_from_being_made():
    def broken(given):
        raise OSError("no such device")

    findings = examination.examine(study(), [broken, lambda given: [ok("fine")]])
    assert states(findings) == [MISSING, OK]
    assert findings[0].what == "broken could not be checked (OSError: no such device)"


# -- sources -------------------------------------------------------------------------------------------


def test_addresses_are_asked_once_each_and_without_a_token(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    with server({"/ok": 200, "/nohead": 405, "/gated": 401, "/busy": 503}) as (home, asked):
        urls = [f"{home}/{name}" for name in ("ok", "ok", "nohead", "gated", "gone", "busy")]
        found = reachability.problems([*urls, "ftp://x/y"])
    assert [found[url] for url in (urls[0], urls[2])] == ["", ""]
    assert found[urls[3]].startswith("HTTP 401") and reachability.asks_who(found[urls[3]])
    assert found[urls[4]].startswith("HTTP 404") and not reachability.asks_who(found[urls[4]])
    assert found[urls[5]].startswith("HTTP 503") and "only http" in found["ftp://x/y"]
    assert sorted(asked) == [(f"/{name}", None) for name in ("busy", "gated", "gone", "nohead", "ok")]


def test_a_server_that_is_not_there_is_a_problem_and_soon():
    with server({}) as (home, _):
        pass
    assert "refused" in reachability.problem(home, seconds=2)


def test_datasets_are_asked_for_where_they_are_remote():
    with server({"/a.json": 200}) as (home, _):
        both = {"gsm8k": {"url": f"{home}/a.json", **PINNED}, "coconot": {"url": f"{home}/b.json", **PINNED}}
        findings = sources.reachable(study(datasets=both))
    assert states(findings) == [OK, MISSING] and findings[0].what == "1 remote sources answer"
    assert findings[1].what.startswith(f"datasets: coconot: {home}/b.json is not to be had (HTTP 404")
    assert "datasets_folder" in findings[1].mend


def test_a_server_that_does_not_answer_is_one_line():
    with server({}) as (home, _):
        pass
    both = {name: {"url": f"{home}/{name}.json", **PINNED} for name in ("gsm8k", "coconot")}
    one = the_one(sources.reachable(study(datasets=both)))
    assert one.state == MISSING and one.what.startswith(f"{home.removeprefix('http://')} does not answer (")
    assert one.what.endswith("for datasets: gsm8k, datasets: coconot") and "datasets_folder" in one.mend


def test_repositories_of_training_data_count_too():
    given = study()
    given.config["data"] = {"bad": {"repo": "datasets/owner/bad", "revision": "unpinned"}}
    assert the_one(sources.revisions(given)).what.startswith("data: bad: datasets/owner/bad is not pinned")
    with server({"/api/datasets/owner/bad": 200}) as (home, _):
        assert states(sources.reachable(given, {"HF_ENDPOINT": home})) == [OK]


def test_a_local_folder_is_looked_into_and_nobody_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(reachability, "problem", None)
    (tmp_path / "a.json").write_text("{}")
    both = {"gsm8k": {"url": "http://x/a.json", **PINNED}, "coconot": {"url": "http://x/b.json", **PINNED}}
    given = study(datasets=both, datasets_folder=str(tmp_path))
    assert sources.reachable(given) == []
    findings = sources.local(given)
    assert states(findings) == [OK, MISSING]
    assert findings[1].what == f"datasets: coconot: no {tmp_path}/b.json"


def test_a_source_of_an_attacker_counts_too():
    given = study()
    given.config["attackers"] = {
        "steering": {"kind": "published_vector", "vectors": {"url": "http://x/v.pt"}}
    }
    assert the_one(sources.checksums(given)).what.startswith("attackers: steering: vectors: no sha256")


def test_files_need_checksums_and_datasets_a_source(tmp_path):
    given = study(
        datasets={"gsm8k": {"path": "a.json"}, "coconot": {}, "toys": {"kind": "toy", "domain": "safety"}}
    )
    findings = sources.checksums(given)
    assert [one.what.split(",")[0] for one in findings] == [
        "datasets: gsm8k: no sha256",
        "datasets: coconot: no source",
    ]
    assert states(sources.checksums(study())) == [OK]


def test_repositories_are_asked_for_at_their_commit(remote):
    path = f"/api/models/owner/base/revision/{COMMIT}"
    with server({path: 200, "/api/models/owner/base": 200}) as (home, asked):
        assert states(sources.reachable(remote(), {"HF_ENDPOINT": f"{home}/"})) == [OK]
        assert states(sources.reachable(remote(revision="unpinned"), {"HF_ENDPOINT": home})) == [OK]
    assert [one[0] for one in asked] == [path, "/api/models/owner/base"]


def test_a_gated_repository_needs_a_token(remote):
    with server({f"/api/models/owner/base/revision/{COMMIT}": 401}) as (home, _):
        without = the_one(sources.reachable(remote(), {"HF_ENDPOINT": home, "HOME": "/nowhere"}))
        having = the_one(sources.reachable(remote(), {"HF_ENDPOINT": home, "HF_TOKEN": "t"}))
    assert without.state == MISSING and "accept its terms" in without.mend
    assert having.state == NOTE and "asks who you are (HTTP 401" in having.what


def test_a_local_hub_is_looked_into(remote, tmp_path):
    given = remote(hub_folder=str(tmp_path))
    assert sources.reachable(given) == [] and sources.token(given, {}) == []
    assert the_one(sources.local(given)).what == f"models: base: no {tmp_path}/owner/base"
    (tmp_path / "owner" / "base").mkdir(parents=True)
    assert states(sources.local(given)) == [OK]


def test_what_is_not_pinned_is_told_how(remote):
    assert states(sources.revisions(remote())) == [OK]
    one = the_one(sources.revisions(remote(revision="unpinned")))
    assert one.state == MISSING and "owner/base is not pinned" in one.what and "make pin" in one.mend
    assert sources.revisions(study()) == []


@pytest.mark.parametrize(
    ("environ", "file", "place"),
    [
        ({"HF_TOKEN": "t"}, None, "HF_TOKEN"),
        ({"HF_TOKEN": " "}, None, ""),
        ({"HUGGING_FACE_HUB_TOKEN": "t"}, None, "HUGGING_FACE_HUB_TOKEN"),
        ({}, ".cache/huggingface/token", ".cache/huggingface/token"),
        ({"XDG_CACHE_HOME": "{home}/c"}, "c/huggingface/token", "c/huggingface/token"),
        ({"HF_HOME": "{home}/h"}, "h/token", "h/token"),
        ({"HF_TOKEN_PATH": "{home}/t"}, "t", "t"),
    ],
)
def test_a_token_is_looked_for_where_the_hubs_client_does(remote, tmp_path, environ, file, place):
    environ = {"HOME": str(tmp_path), **{k: v.format(home=tmp_path) for k, v in environ.items()}}
    if file:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("secret")
    assert sources.token_place(environ).removeprefix(f"{tmp_path}/") == place
    one = the_one(sources.token(remote(), environ))
    assert one.state == (OK if place else NOTE) and "secret" not in one.what + one.mend


def test_no_token_is_asked_for_where_nothing_is_fetched():
    assert sources.token(study(), {}) == []


# -- the machine ---------------------------------------------------------------------------------------


def test_no_gpu_is_missed_where_none_is_asked_for(monkeypatch):
    monkeypatch.setattr(machine, "visible", list)
    assert states(machine.graphics(study())) == [OK]


@pytest.mark.parametrize(
    ("seen", "sizes", "found"),
    [(0, [], [MISSING]), (1, [80.0], [MISSING, OK]), (2, [80.0], [OK, OK]), (2, [], [OK, NOTE])]
    + [(2, [80.0, 10.0], [OK, MISSING]), (2, [20.0], [OK, NOTE])],
)
def test_gpus_and_their_memory(monkeypatch, seen, sizes, found):
    monkeypatch.setattr(machine, "visible", lambda: [str(one) for one in range(seen)])
    monkeypatch.setattr(machine, "gpu_gigabytes", lambda: sizes)
    assert states(machine.graphics(study(engine={"device": "cuda"}, resources={"gpu": 2}))) == found


def test_a_full_fine_tune_is_loaded_no_larger_than_its_base(monkeypatch):
    monkeypatch.setattr(machine, "gpu_gigabytes", lambda: [80.0])
    config = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())
    validate(config, str(ROOT / "config" / "schema.yaml"))
    one = the_one(machine.graphics_memory(Study(config)))
    assert one.state == OK and one.what.endswith("the largest checkpoint has 15.2 GB")


def test_what_nvidia_smi_says(monkeypatch, tmp_path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 81920\necho 40960\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert [round(size, 1) for size in machine.gpu_gigabytes()] == [85.9, 42.9]
    tool.write_text("#!/bin/sh\necho No devices were found; exit 6\n")
    assert machine.gpu_gigabytes() == []


def test_processors_and_memory(monkeypatch):
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda process: {0, 1})
    assert states(machine.processors(study(resources={"threads": 2}))) == [OK, OK]
    few = machine.processors(study(resources={"threads": 3, "mem_mb": 10**9}))
    assert states(few) == [MISSING, MISSING]
    assert few[0].what == "2 processors, and a job has 3 threads" and "mem_mb" in few[1].mend
    large = {"threads": 2, "trainings": {"reward": {"threads": 4, "mem_mb": 10**9}, "x": {"threads": 1}}}
    few = machine.processors(study(resources=large))
    assert [one.what.partition(", and ")[2] for one in few] == [
        "training reward has 4 threads",
        "training reward asks for 1000000000",
    ]
    assert few[0].mend.startswith("set resources: {trainings: {reward: {threads: …}}}, or")


@pytest.mark.parametrize(("free", "state"), [(10**13, OK), (10**6, MISSING)])
def test_room_for_what_the_plan_expects(monkeypatch, tmp_path, free, state):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda place: SimpleNamespace(free=free))
    one = the_one(machine.disk(study()))
    assert one.state == state and "free for results/micro, and the plan expects 64." in one.what


CODE = {"humaneval": {"url": "http://x/h.json", **PINNED}, "ds1000": {"url": "http://x/d.json", **PINNED}}


def test_the_sandbox_is_tried_where_answers_are_run(monkeypatch):
    def none():
        raise StudyError("no bwrap: install it")

    monkeypatch.setattr(sandbox, "preflight", none)
    assert machine.isolation(study()) == []
    one = the_one(machine.isolation(study(datasets=CODE)))
    assert one.state == MISSING and "install it" in one.mend
    monkeypatch.setattr(sandbox, "preflight", lambda: sandbox.Isolation(cgroup=False, seccomp=True))
    assert states(machine.isolation(study(datasets=CODE))) == [NOTE]
    monkeypatch.setattr(sandbox, "preflight", lambda: sandbox.Isolation(cgroup=True, seccomp=True))
    assert states(machine.isolation(study(datasets=CODE))) == [OK]


def test_libraries_that_are_not_installed_are_named_as_pip_calls_them(monkeypatch):
    assert machine.libraries(study()) == []
    absent = {"sklearn", "gensim"}
    monkeypatch.setattr(machine, "installed", lambda name: name not in absent)
    one = the_one(machine.libraries(study(datasets=CODE)))
    assert one.state == MISSING and "sklearn, gensim;" in one.what and "scikit-learn gensim " in one.mend
    absent.clear()
    assert states(machine.libraries(study(datasets=CODE))) == [OK]


def test_installed_means_found_and_imports_nothing():
    assert installed("json") and not installed("no_such_module_here")
    assert not installed("no_such_module_here.inner")


DS1000 = os.path.join(os.environ.get("AMONGUS_DATASETS", ROOT.parent / "shared" / "datasets"), "ds1000.json")


@pytest.mark.skipif(not os.path.isfile(DS1000), reason=f"no {DS1000} (set AMONGUS_DATASETS)")
def test_the_list_of_libraries_is_that_of_the_real_rows():
    import sys

    with open(DS1000) as file:
        data = json.load(file)
    pattern = re.compile(r"^[ \t]*(?:import|from)[ \t]+(\w+)", re.MULTILINE)
    contexts = [row["code_context"] for split in ("dev", "test") for row in data[split]]
    imported = {name for context in contexts for name in pattern.findall(context)}
    part_of_matplotlib = {"mpl_toolkits"}
    assert imported - set(sys.stdlib_module_names) - part_of_matplotlib == set(
        fact("scoring.metrics", "ds1000", "LIBRARIES")
    )


def test_the_store_is_its_owners_alone(tmp_path, monkeypatch):
    root = tmp_path / "store"
    given = study(store=str(root))
    assert "will be made" in the_one(machine.store(given)).what
    (root / "f").mkdir(parents=True, mode=0o700)
    root.chmod(0o700)
    assert states(machine.store(given)) == [OK]
    (root / "f").chmod(0o770)
    one = the_one(machine.store(given))
    assert one.state == MISSING and str(root / "f") in one.what and "chmod" in one.mend
    (root / "f").chmod(0o700)
    monkeypatch.setattr(machine.os, "getuid", lambda: 12345)
    one = the_one(machine.store(given))
    assert one.state == MISSING and "belongs to user" in one.what and "(and 1 more)" in one.what
    assert stat.S_IMODE(root.stat().st_mode) == 0o700


def test_a_file_in_the_stores_place(tmp_path):
    (tmp_path / "store").write_text("")
    (tmp_path / "store").chmod(0o600)
    assert "is no folder" in the_one(machine.store(study(store=str(tmp_path / "store")))).what


@pytest.mark.parametrize(("mask", "state"), [(0o022, OK), (0o077, OK), (0o002, NOTE), (0o000, NOTE)])
def test_what_others_may_write(mask, state):
    before = os.umask(mask)
    try:
        assert states(machine.mask(study())) == [state]
        assert os.umask(mask) == mask  # As it was.
    finally:
        os.umask(before)


def test_all_checks_are_made_on_the_demo():
    import yaml

    config = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text())
    validate(config, str(ROOT / "config" / "schema.yaml"))
    shown = examination.text(Study(config)).splitlines()
    assert shown[0].startswith("Study demo on ") and " missing, " in shown[-1]
    assert not any("could not be checked" in line for line in shown)
