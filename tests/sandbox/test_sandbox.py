"""Hostile programs in the sandbox: each is contained, and only a program's own end is a pass."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from amongus import sandbox
from amongus.sandbox import bubblewrap, execution, seccomp
from checkout import ROOT
from examples import examples
from sandboxed import obstacle, run

pytestmark = pytest.mark.skipif(bool(obstacle()), reason=obstacle())
PROGRAMS = examples("sandbox/programs")


@pytest.fixture
def alive(monkeypatch):
    """A function that lists the processes of this test's sandboxes: their command lines name a folder of their own."""
    mark = f"/code{secrets.token_hex(8)}"
    sandbox.preflight()
    monkeypatch.setattr(bubblewrap, "CODE", mark)

    def listed():
        lines = {path: path.parent / "cmdline" for path in Path("/proc").glob("[0-9]*/stat")}
        return [path for path, line in lines.items() if mark in _read(line)]

    return listed


def _read(path):
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def until(condition, seconds):
    """Wait until a condition holds, at most so long."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)


def test_a_program_that_comes_to_its_end_passed():
    result = run("import sys\nprint('out')\nprint('error', file=sys.stderr)\nassert 1 + 1 == 2")
    assert (result.status, result.stdout, result.stderr, result.reason) == ("passed", "out\n", "error\n", "")
    assert 0 < result.seconds < 3


@pytest.mark.parametrize("name", PROGRAMS["contained"])
def test_programs_are_contained(name, monkeypatch):
    program = PROGRAMS["contained"][name]
    if program.get("filtered") and not seccomp.program():
        pytest.skip("no system calls are filtered on this machine")
    monkeypatch.setattr(execution.secrets, "token_hex", lambda size: "feedface" * 4)
    result = run(program["source"], **{"seconds": 20, **program.get("limits", {})})
    assert result.status == "passed", result


@pytest.mark.parametrize("name", PROGRAMS["failed"])
def test_no_other_end_is_a_pass(name):
    result = run(PROGRAMS["failed"][name])
    assert result.status == "failed" and "process 1" not in result.reason, result


def test_copies_that_end_too_do_no_harm():
    for source in PROGRAMS["passed"].values():
        result = run(f"{source}\nprint(end='x')")
        assert result.status == "passed" and result.seconds < 3, result
    assert run("import os, time\nif os.fork(): time.sleep(0.2)\nprint(end='x')").stdout == "xx"


VERDICT = """
import json, os
nonce = json.load(open({secret}))["nonce"]
os.write({verdicts}, b'{{"ready": true}}\\n' + {content!r}.replace(b"NONCE", b'"nonce": "%s"' % nonce.encode()) + b"\\n")
"""


def test_only_a_whole_verdict_of_process_1_counts(monkeypatch):
    sandbox.preflight()
    whole = '{NONCE, "status": "passed", "reason": ""}'
    for content in (whole, *PROGRAMS["verdicts"], "[" * 100_000):

        def python(secret, verdicts, content=content):
            source = VERDICT.format(secret=secret, verdicts=verdicts, content=content.encode("latin-1"))
            return [os.path.realpath(sys.executable), "-c", source]

        monkeypatch.setattr(bubblewrap, "_python", python)
        assert run("").status == ("passed" if content == whole else "failed"), content[:40]


def test_fork_bomb(alive):
    result = run("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", seconds=1.5)
    assert result.status in ("timeout", "memory")
    assert not alive()


@pytest.mark.parametrize("name", PROGRAMS["memory"])
def test_much_memory(alive, name):
    assert run(PROGRAMS["memory"][name], seconds=8 if "processes" in name else 20).status == "memory"
    assert not alive()


def test_a_program_may_read_its_own_output_first(monkeypatch):
    """As a process of the same user may, between the moment that there is something to read and the reading."""
    read, stolen = os.read, []

    def late(descriptor, size):
        if size == 1 << 16 and not stolen:
            stolen.append(read(descriptor, size))
            raise BlockingIOError
        return read(descriptor, size)

    monkeypatch.setattr(execution.os, "read", late)
    assert run("print('out')").status in ("passed", "failed") and stolen


@pytest.mark.parametrize("name", PROGRAMS["timeout"])
def test_time(name):
    began = time.monotonic()
    assert run(PROGRAMS["timeout"][name], seconds=1).status == "timeout"
    assert time.monotonic() - began < 4


def test_endless_output_is_dropped_while_it_comes():
    result = run("import sys\nwhile True: sys.stdout.write('x' * 65536)", seconds=1, output_bytes=1000)
    assert result.status == "timeout" and result.stdout == "x" * 1000
    result = run("import sys\nsys.stderr.write('é' * 200000)", output_bytes=1000)
    assert result.status == "passed" and len(result.stderr.encode()) <= 1003


def test_files_of_the_machine(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("here")
    home = Path.home()
    result = run(f"SECRET, ROOT, HOME = {str(secret)!r}, {str(ROOT)!r}, {str(home)!r}\n{PROGRAMS['files']}")
    assert result.status == "passed", result
    assert secret.read_text() == "here" and not os.path.exists("/tmp/own")
    # Of the home folder, what leads to the interpreter and its libraries.
    shown = [Path(path) for path in (os.path.realpath(sys.base_prefix), *bubblewrap.packages())]
    assert set(eval(result.stdout)) <= {path.relative_to(home).parts[0] for path in shown if home in path.parents}


def test_the_environment(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    result = run("import os; print(dict(os.environ), open('/proc/self/environ').read())")
    assert "verysecret" not in result.stdout + result.stderr and "'HOME': '/tmp'" in result.stdout


def test_the_network(tmp_path):
    inet, unix = socket.AF_INET, socket.AF_UNIX
    names = [f"\0amongus-{os.getpid()}", str(tmp_path / "s")]
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(unix) as abstract,
        socket.socket(unix) as local,
    ):
        for one, name in zip((abstract, local), names, strict=True):
            one.bind(name)
            one.listen()
        targets = [(int(inet), ("127.0.0.1", listener.getsockname()[1])), (int(inet), ("1.1.1.1", 53))]
        targets += [(int(unix), name) for name in names]
        result = run(f"TARGETS = {targets!r}\n{PROGRAMS['network']}")
        assert result.status == "passed", result
        for one in (listener, abstract, local):
            one.settimeout(0)
            with pytest.raises(BlockingIOError):
                one.accept()


def test_a_daemon_does_not_outlive_its_run(alive):
    result = run(PROGRAMS["daemon"])
    assert result.status == "passed" and result.seconds < 3
    assert not alive()


def test_nothing_outlives_a_killed_harness(alive):
    source = f"{PROGRAMS['daemon']}time.sleep(60)"
    code = (
        f"from amongus import sandbox; from amongus.sandbox import bubblewrap; bubblewrap.CODE = {bubblewrap.CODE!r};"
        f"sandbox.run({source!r}, sandbox.Limits(60))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    harness = subprocess.Popen([sys.executable, "-c", code], env=environment)
    until(lambda: len(alive()) >= 4, 20)  # bubblewrap, process 1, the program, the daemon
    assert alive()
    harness.send_signal(signal.SIGKILL)
    harness.wait()
    until(lambda: not alive(), 5)
    assert not alive()
