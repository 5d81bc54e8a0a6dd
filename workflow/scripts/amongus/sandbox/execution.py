"""Starts sandboxes and supervises them from outside."""

import contextlib
import json
import os
import secrets
import selectors
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

import psutil

from amongus.core.errors import StudyError
from amongus.sandbox import cgroups, seccomp
from amongus.sandbox.bubblewrap import NOBODY, Limits, command, packages

Status = Literal["passed", "failed", "timeout", "memory", "refused"]
_STARTUP = 60.0  # seconds until process 1 is ready; its clock starts then
_TICK = 0.05  # seconds between two checks of the memory of all processes
_LARGEST = 1 << 20  # bytes of a verdict
_VERDICTS: tuple[Status, ...] = ("passed", "failed", "timeout", "memory")  # process 1's; it never reports `refused`


@dataclass(frozen=True)
class Isolation:
    """Which optional protections this process's sandboxes have."""

    cgroup: bool
    """The kernel limits the memory of all processes together; else a watchdog checks it every 50 ms."""
    seccomp: bool
    """System calls are filtered."""


@dataclass(frozen=True)
class Result:
    """How a run ended. `refused`: nothing was run, `reason` says why."""

    status: Status
    stdout: str = ""
    stderr: str = ""
    reason: str = ""
    seconds: float = 0.0
    cgroup: bool = False


@dataclass
class _Job:
    """What process 1 reads: `secret` only after it has forked the process that runs the code under test."""

    kind: str
    sources: Sequence[str]
    secret: dict[str, Any] = field(default_factory=dict)
    imports: Sequence[str] = ()
    entry_point: str = ""


def run(source: str, limits: Limits | None = None) -> Result:
    """Run a Python program, its tests included; it passed if it reached its end."""
    return _guarded(_Job("program", [source]), limits)


def call(sources: Sequence[str], entry_point: str, prelude: str, tests: str, limits: Limits | None = None) -> Result:
    """Test a function from outside its process.

    Args:
        sources: variants of the code under test; the first that is valid Python is used.
        entry_point: the function's name in it.
        prelude: trusted code the tests rely on.
        tests: trusted code that defines `check(candidate)`.
        limits: of the run.
    """
    return _guarded(_Job("function", sources, {"prelude": prelude, "tests": tests}, entry_point=entry_point), limits)


def execute(solution: str, tests: str, imports: Sequence[str] = (), limits: Limits | None = None) -> Result:
    """Test code that makes a `result` from outside its process.

    Args:
        solution: the code under test.
        tests: trusted code that defines `test_execution(solution)`, perhaps `test_string(solution)`; what the first
            passes to `exec` is executed in the other process, and only its `result` is returned.
        imports: modules that the tests import, loaded before the clock starts.
        limits: of the run.
    """
    return _guarded(_Job("context", [], {"tests": tests, "solution": solution}, imports), limits)


@cache
def preflight() -> Isolation:
    """Start a sandbox and probe it from inside, once per process.

    Raises:
        StudyError: it does not start, or does not isolate; the message says what to do.
    """
    cgroups.sweep()
    with tempfile.NamedTemporaryFile() as private, socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()[1]
        probe = _PROBE.format(file=private.name, port=address, uid=NOBODY)
        result = _launch(_Job("program", [probe]), Limits(seconds=30.0))
    if result.status != "passed":
        raise StudyError(
            f"code is scored in a sandbox only, and bubblewrap cannot start one here ({result.reason}); it needs "
            "bubblewrap 0.8 and unprivileged user namespaces (kernel.unprivileged_userns_clone=1, no AppArmor "
            "restriction; in a container: --security-opt seccomp=unconfined); nothing was run"
        )
    return Isolation(cgroup=result.cgroup, seccomp=seccomp.program() is not None)


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


def _guarded(job: _Job, limits: Limits | None) -> Result:
    """The outcome of a job; without a working sandbox its status is `refused`."""
    try:
        preflight()
    except StudyError as error:
        return Result("refused", reason=str(error))
    return _launch(job, limits or Limits())


def _launch(job: _Job, limits: Limits) -> Result:
    nonce = secrets.token_hex(16)
    group = cgroups.make((limits.memory_mb << 20) + (32 << 20), limits.processes + 16)
    try:
        with _started(job, limits, nonce, group) as (process, verdicts):
            watch = _Watch(process, verdicts, limits, group)
            start = time.monotonic()
            watch.until_done()
            result = watch.result(nonce)
            return replace(result, seconds=time.monotonic() - start, cgroup=group is not None)
    finally:
        if group:
            group.remove()


@contextlib.contextmanager
def _started(
    job: _Job, limits: Limits, nonce: str, group: cgroups.Cgroup | None
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A running sandbox, and the descriptor its verdicts come from; killed with all its processes at the end."""
    public = {
        "kind": job.kind,
        "sources": [source.encode(errors="replace").decode() for source in job.sources],
        "entry_point": job.entry_point,
        "imports": list(job.imports),
        "packages": packages(),
        "processes": limits.processes,
    }
    secret = {**{k: v.encode(errors="replace").decode() for k, v in job.secret.items()}, "nonce": nonce}
    with contextlib.ExitStack() as stack:
        messages = _memory(stack, _frame(public) + _frame(secret))
        filter_code = seccomp.program()
        calls = _memory(stack, filter_code) if filter_code else None
        verdicts, outbox = os.pipe()
        stack.callback(os.close, verdicts)
        try:
            process = subprocess.Popen(
                command(limits, outbox, calls, group.procs_files if group else ()),
                stdin=messages,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[outbox] if calls is None else [outbox, calls],
                cwd="/",
                env={},
                start_new_session=True,
            )
        finally:
            os.close(outbox)
        stack.enter_context(process)
        stack.callback(_kill, process)
        yield process, verdicts


def _memory(stack: contextlib.ExitStack, content: bytes) -> int:
    """A descriptor from which `content` is read."""
    descriptor = os.memfd_create("amongus")
    stack.callback(os.close, descriptor)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _frame(message: Mapping[str, Any]) -> bytes:
    content = json.dumps(message).encode()
    return struct.pack("<Q", len(content)) + content


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill bubblewrap; process 1 dies with it, and all other processes of the sandbox with that."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class _Watch:
    """One sandbox's streams, clock and memory."""

    def __init__(
        self, process: subprocess.Popen[bytes], verdicts: int, limits: Limits, group: cgroups.Cgroup | None
    ) -> None:
        assert process.stdout and process.stderr
        self.process, self.limits, self.group = process, limits, group
        self.kept = {verdicts: b"", process.stdout.fileno(): b"", process.stderr.fileno(): b""}
        self.verdicts, self.out, self.error = self.kept
        self.limit = {self.verdicts: _LARGEST, self.out: limits.output_bytes, self.error: limits.output_bytes}
        self.open = set(self.kept)
        self.stopped: tuple[Status, str] | None = None
        self.checked = 0.0

    def until_done(self) -> None:
        """Read until process 1 has ended, or time or memory has run out."""
        until, ready = time.monotonic() + _STARTUP, False
        with selectors.DefaultSelector() as selector:
            for descriptor in self.kept:
                os.set_blocking(descriptor, False)
                selector.register(descriptor, selectors.EVENT_READ)
            while self.verdicts in self.open and not self.stopped:
                left = until - time.monotonic()
                if left <= 0:
                    self.stopped = "refused", "the sandbox did not start"
                    if ready:
                        self.stopped = "timeout", f"not done after {self.limits.seconds:g} s"
                    break
                for key, _ in selector.select(min(left, _TICK)):
                    self._read(key.fd, selector)
                if not ready and self.messages():
                    until, ready = time.monotonic() + self.limits.seconds, True
                if self._out_of_memory():
                    self.stopped = self._memory_verdict()
            _kill(self.process)
            self._drain(selector)

    def _memory_verdict(self) -> tuple[Status, str]:
        return "memory", f"its processes used more than {self.limits.memory_mb} MiB"

    def _out_of_memory(self) -> bool:
        if time.monotonic() - self.checked < _TICK:
            return False
        self.checked = time.monotonic()
        if self.group:
            return self.group.out_of_memory()
        return memory_of(self.process.pid) > self.limits.memory_mb << 20

    def _read(self, descriptor: int, selector: selectors.BaseSelector) -> None:
        try:
            part = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return
        if not part:
            selector.unregister(descriptor)
            self.open.discard(descriptor)
        room = self.limit[descriptor] - len(self.kept[descriptor])
        self.kept[descriptor] += part[: max(room, 0)]

    def _drain(self, selector: selectors.BaseSelector) -> None:
        """Read what remains in the pipes after the kill."""
        until = time.monotonic() + 1
        while self.open and time.monotonic() < until:
            for key, _ in selector.select(0.05):
                self._read(key.fd, selector)

    def messages(self) -> list[dict[str, Any]]:
        """The messages of process 1 so far, up to the first that is malformed: it may have been attacked from inside."""
        found, content = [], self.kept[self.verdicts]
        while len(content) >= 8:
            (length,) = struct.unpack("<Q", content[:8])
            if len(content) < 8 + length:
                break
            try:
                message = json.loads(content[8 : 8 + length])
            except (ValueError, RecursionError):
                break
            if not isinstance(message, dict):
                break
            found.append(message)
            content = content[8 + length :]
        return found

    def result(self, nonce: str) -> Result:
        """The verdict of process 1, unless it was stopped from outside or gave none."""
        out, error = (self.kept[stream].decode(errors="replace") for stream in (self.out, self.error))
        status, reason = self.stopped or self._verdict(nonce, error)
        if status in ("failed", "refused") and self.group and self.group.out_of_memory():
            status, reason = self._memory_verdict()
        return Result(status, out, error, reason)

    def _verdict(self, nonce: str, error: str) -> tuple[Status, str]:
        messages = self.messages()
        if not messages:
            return "refused", f"the sandbox did not start: {' '.join(error.split())[-200:]}"
        if messages[-1].get("nonce") != nonce:
            return "failed", "process 1 of the sandbox was ended"
        for status in _VERDICTS:
            if status == messages[-1].get("status"):
                return status, " ".join(str(messages[-1].get("reason")).split())
        return "failed", "process 1 of the sandbox gave no verdict"


def memory_of(root: int) -> int:
    """Bytes resident in the process `root` and all its descendants; memory they share counts for each."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in (psutil.Process(root), *psutil.Process(root).children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
    return total
