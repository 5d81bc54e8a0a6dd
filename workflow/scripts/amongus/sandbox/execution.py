"""Starts sandboxes and supervises them from outside."""

import contextlib
import json
import os
import secrets
import selectors
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Literal

import psutil

from amongus.core.errors import StudyError
from amongus.sandbox import seccomp
from amongus.sandbox.bubblewrap import NOBODY, Limits, command, packages

Status = Literal["passed", "failed", "timeout", "memory", "refused"]
_STARTUP = 60.0  # seconds until process 1 is ready; its clock starts then
_TICK = 0.05  # seconds between two checks of the memory of all processes
_LARGEST = 1 << 20  # bytes of a verdict
_VERDICTS: tuple[Status, ...] = ("passed", "failed", "timeout", "memory")  # process 1's; it never reports `refused`


@dataclass(frozen=True)
class Result:
    """How a run ended. `refused`: nothing was run, `reason` says why."""

    status: Status
    stdout: str = ""
    stderr: str = ""
    reason: str = ""
    seconds: float = 0.0


def run(source: str, limits: Limits | None = None) -> Result:
    """Run a Python program, its tests included; it passed if it reached its end."""
    return _guarded(limits, {"kind": "program", "sources": [source]})


def call(sources: Sequence[str], entry_point: str, prelude: str, tests: str, limits: Limits | None = None) -> Result:
    """Test a function from outside its process.

    Args:
        sources: variants of the code under test; the first that is valid Python is used.
        entry_point: the function's name in it.
        prelude: trusted code the tests rely on.
        tests: trusted code that defines `check(candidate)`.
        limits: of the run.
    """
    job = {"kind": "function", "sources": list(sources), "entry_point": entry_point}
    return _guarded(limits, job, prelude=prelude, tests=tests)


def execute(solution: str, tests: str, imports: Sequence[str] = (), limits: Limits | None = None) -> Result:
    """Test code that makes a `result` from outside its process.

    Args:
        solution: the code under test.
        tests: trusted code that defines `test_execution(solution)`, perhaps `test_string(solution)`; what the first
            passes to `exec` is executed in the other process, and only its `result` is returned.
        imports: modules that the tests import, loaded before the clock starts.
        limits: of the run.
    """
    job = {"kind": "context", "sources": [], "imports": list(imports)}
    return _guarded(limits, job, tests=tests, solution=solution)


@cache
def preflight() -> Result:
    """Start a sandbox and probe it from inside, once per process.

    Raises:
        StudyError: it does not start, or does not isolate; the message says what to do.
    """
    with tempfile.NamedTemporaryFile() as private, socket.create_server(("127.0.0.1", 0)) as listener:
        probe = _PROBE.format(file=private.name, port=listener.getsockname()[1], uid=NOBODY)
        result = _launch(Limits(seconds=30.0), {"kind": "program", "sources": [probe]}, {})
    if result.status != "passed":
        raise StudyError(
            f"code is scored in a sandbox only, and bubblewrap cannot start one here ({result.reason}); it needs "
            "bubblewrap 0.8 and unprivileged user namespaces (kernel.unprivileged_userns_clone=1, no AppArmor "
            "restriction; in a container: --security-opt seccomp=unconfined); nothing was run"
        )
    return result


_PROBE = """
import os, socket
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
assert os.getuid() == os.getgid() == {uid} and os.getppid() == 1, "not user nobody below process 1"
assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0, "capabilities remain"
assert status["NoNewPrivs"].strip() == "1", "privileges can be gained"
assert not os.path.exists("{file}"), "files of the machine are visible"
assert not os.access("/proc/sys/kernel/hostname", os.W_OK) and not os.access("/usr", os.W_OK), "/ is writable"
assert [line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line] == ["lo"], "there is a network"
try:
    socket.create_connection(("127.0.0.1", {port}), 2)
except OSError:
    pass
else:
    raise AssertionError("the machine's ports are open")
"""


def _guarded(limits: Limits | None, job: dict[str, Any], **secret: str) -> Result:
    """The outcome of a job; without a working sandbox its status is `refused`."""
    try:
        preflight()
    except StudyError as error:
        return Result("refused", reason=str(error))
    return _launch(limits or Limits(), job, secret)


def _launch(limits: Limits, job: dict[str, Any], secret: dict[str, str]) -> Result:
    """The outcome of a sandbox, which is killed with all its processes at the end.

    Process 1 reads `secret` only after it has forked the process that runs the code under test.
    """
    nonce = secrets.token_hex(16)
    with contextlib.ExitStack() as stack:
        public = _memory(stack, json.dumps({**job, "packages": packages(), "processes": limits.processes}).encode())
        private = _memory(stack, json.dumps({**secret, "nonce": nonce}).encode())
        denied = seccomp.program()
        calls = _memory(stack, denied) if denied else None
        verdicts, outbox = os.pipe()
        stack.callback(os.close, verdicts)
        try:
            process = subprocess.Popen(
                command(limits, private, outbox, calls),
                stdin=public,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[one for one in (private, outbox, calls) if one is not None],
                cwd="/",
                env={},
                start_new_session=True,
            )
        finally:
            os.close(outbox)
        stack.enter_context(process)
        stack.callback(_kill, process)
        start = time.monotonic()
        watch = _Watch(process, verdicts, limits)
        watch.until_done()
        return replace(watch.result(nonce), seconds=time.monotonic() - start)


def _memory(stack: contextlib.ExitStack, content: bytes) -> int:
    """A descriptor from which `content` is read."""
    file = stack.enter_context(os.fdopen(os.memfd_create("amongus"), "w+b"))
    file.write(content)
    file.seek(0)
    return file.fileno()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill bubblewrap; process 1 dies with it, and all other processes of the sandbox with that."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class _Watch:
    """One sandbox's streams, clock and memory."""

    def __init__(self, process: subprocess.Popen[bytes], verdicts: int, limits: Limits) -> None:
        assert process.stdout and process.stderr
        self.process, self.limits = process, limits
        self.verdicts, self.out, self.error = verdicts, process.stdout.fileno(), process.stderr.fileno()
        self.limit = {self.verdicts: _LARGEST, self.out: limits.output_bytes, self.error: limits.output_bytes}
        self.kept = dict.fromkeys(self.limit, b"")
        self.stopped: tuple[Status, str] | None = None
        self.checked = 0.0

    def until_done(self) -> None:
        """Read until process 1 has ended, or time or memory has run out."""
        until, ready = time.monotonic() + _STARTUP, False
        with selectors.DefaultSelector() as selector:
            for descriptor in self.kept:
                os.set_blocking(descriptor, False)
                selector.register(descriptor, selectors.EVENT_READ)
            while self.verdicts in selector.get_map() and not self.stopped:
                left = until - time.monotonic()
                if left <= 0:
                    self.stopped = "refused", "the sandbox did not start"
                    if ready:
                        self.stopped = "timeout", f"not done after {self.limits.seconds:g} s"
                    break
                self._read(selector, min(left, _TICK))
                if not ready and self._lines():
                    until, ready = time.monotonic() + self.limits.seconds, True
                if self._out_of_memory():
                    self.stopped = "memory", f"its processes used more than {self.limits.memory_mb} MiB"
            _kill(self.process)
            # What is left in the pipes.
            until = time.monotonic() + 1
            while selector.get_map() and time.monotonic() < until:
                self._read(selector, _TICK)

    def _out_of_memory(self) -> bool:
        """Whether all processes together have too much resident memory; what they share counts for each."""
        if time.monotonic() - self.checked < _TICK:
            return False
        self.checked = time.monotonic()
        children = _children(int(self.checked / _TICK))
        total, waiting = 0, [self.process.pid]
        while waiting:
            for process, size in children.get(waiting.pop(), []):
                total += size
                waiting.append(process)
        return total > self.limits.memory_mb << 20

    def _read(self, selector: selectors.BaseSelector, seconds: float) -> None:
        """Read once from each stream that has something within `seconds`; drop what is over its limit."""
        for key, _ in selector.select(seconds):
            try:
                part = os.read(key.fd, 1 << 16)
            except BlockingIOError:  # The program has read its own output first, which only root could prevent.
                continue
            if not part:
                selector.unregister(key.fd)
            room = self.limit[key.fd] - len(self.kept[key.fd])
            self.kept[key.fd] += part[:room]

    def _lines(self) -> list[bytes]:
        """The whole lines of process 1 so far: that it is ready, then its verdict."""
        return self.kept[self.verdicts].split(b"\n")[:-1]

    def result(self, nonce: str) -> Result:
        """The verdict of process 1, unless it was stopped from outside or gave none."""
        out, error = (self.kept[stream].decode(errors="replace") for stream in (self.out, self.error))
        status, reason = self.stopped or self._verdict(nonce, error)
        return Result(status, out, error, reason)

    def _verdict(self, nonce: str, error: str) -> tuple[Status, str]:
        lines = self._lines()
        if not lines:
            return "refused", f"the sandbox did not start: {' '.join(error.split())[-200:]}"
        # Nothing is taken for granted: process 1 may have been attacked from inside.
        try:
            verdict = json.loads(lines[-1])
        except (ValueError, RecursionError):
            verdict = None
        if not isinstance(verdict, dict) or verdict.get("nonce") != nonce:
            return "failed", "process 1 of the sandbox was ended"
        for status in _VERDICTS:
            if status == verdict.get("status"):
                return status, " ".join(str(verdict.get("reason")).split())
        return "failed", "process 1 of the sandbox gave no verdict"


@lru_cache(maxsize=1)
def _children(tick: int) -> dict[int, list[tuple[int, int]]]:
    """Process -> its children with their resident bytes, of all processes that /proc shows; one scan a tick for all runs."""
    found: dict[int, list[tuple[int, int]]] = {}
    # Fields are None where /proc is mounted so that it hides the processes of others.
    for process in psutil.process_iter(["ppid", "memory_info"]):
        if process.info["ppid"] is not None and process.info["memory_info"]:
            found.setdefault(process.info["ppid"], []).append((process.pid, process.info["memory_info"].rss))
    return found
