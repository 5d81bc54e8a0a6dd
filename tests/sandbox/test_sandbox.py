"""Hostile programs in the sandbox: each is contained, and reported for what it is."""

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
from amongus.sandbox import bubblewrap, cgroups
from checkout import ROOT
from sandboxed import obstacle, run

pytestmark = pytest.mark.skipif(bool(obstacle()), reason=obstacle())


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


@pytest.fixture(params=["group", "watchdog"])
def memory_bound(request, monkeypatch):
    """Both ways to bound memory over processes; the watchdog's is used where no control group can be made."""
    if request.param == "watchdog":
        monkeypatch.setattr(cgroups, "make", lambda memory, processes: None)
    elif not sandbox.preflight().cgroup:
        pytest.skip("no control group can be made here")
    return request.param


def test_process_1_cannot_be_read_traced_or_killed():
    result = run(
        """
        import ctypes, os, signal, time
        for path in ("/proc/1/mem", "/proc/1/fd/0", "/proc/1/environ"):
            try:
                open(path, "rb").read(1)
            except OSError:
                continue
            raise SystemExit(path)
        libc = ctypes.CDLL(None, use_errno=True)
        for request, process in ((16, 1), (16, os.getppid()), (0x4206, 1), (0, 0)):
            assert libc.ptrace(request, process, 0, 0) == -1
        buffer = ctypes.create_string_buffer(16)
        vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 16)
        assert libc.process_vm_readv(1, vector, 1, vector, 1, 0) == -1
        for number in range(1, 65):
            try:
                os.kill(1, number)
            except OSError:
                pass
        time.sleep(0.2)
        """
    )
    assert result.status == "passed", result


def test_limits_and_priority_of_process_1_are_its_own():
    if not sandbox.preflight().seccomp:
        pytest.skip("system calls are not filtered on this machine")
    result = run(
        """
        import os, resource
        own = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, own[1]))
        os.sched_setaffinity(0, os.sched_getaffinity(0))
        for change in (
            lambda: resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3)),
            lambda: resource.prlimit(1, resource.RLIMIT_CPU),
            lambda: os.setpriority(os.PRIO_PROCESS, 1, 19),
            lambda: os.setpriority(os.PRIO_USER, 0, 19),
            lambda: os.sched_setaffinity(1, os.sched_getaffinity(1)),
            lambda: os.sched_setscheduler(1, os.SCHED_BATCH, os.sched_param(0)),
            lambda: os.sched_setparam(1, os.sched_param(0)),
        ):
            try:
                change()
            except PermissionError:
                continue
            raise SystemExit("changed")
        """
    )
    assert result.status == "passed", result


def test_fork_bomb(memory_bound, alive):
    result = run("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", seconds=1.5)
    assert result.status in ("timeout", "memory")
    assert not alive()


def test_processes_and_threads_are_counted():
    result = run(
        """
        import os, time
        made = 0
        try:
            while made < 100:
                if os.fork() == 0:
                    time.sleep(9)
                made += 1
        except BlockingIOError:
            print(made)
        """,
        processes=8,
    )
    assert result.stdout == "7\n"


@pytest.mark.parametrize(
    "source", ["x = bytearray(10 << 30)", "x = []\nwhile True: x.append(bytes(1 << 22) + b'1')"]
)
def test_much_memory_in_one_process(memory_bound, source):
    assert run(source, seconds=20).status == "memory"


def test_much_memory_in_many_processes(memory_bound, alive):
    result = run(
        """
        import os, time
        for _ in range(9):
            if os.fork() == 0:
                break
        kept = []
        for _ in range(1000):  # 40 MB each, below what one process may have
            kept.append(b"1" * 40960)
        time.sleep(9)
        """,
        seconds=8,
    )
    assert result.status == "memory" and not alive()


def test_memory_in_no_process_is_bounded_too():
    result = run(
        """
        import ctypes, errno, os
        for make in (lambda: os.memfd_create("x"), lambda: ctypes.CDLL(None).shmget(0, 1 << 20, 0o1777)):
            try:
                assert make() == -1
            except PermissionError:
                pass
        try:
            for number in range(99):
                with open(f"/tmp/{number}", "wb") as file:
                    file.write(b"1" * (8 << 20))
        except OSError as fault:
            assert fault.errno in (errno.ENOSPC, errno.EFBIG) and number < 9
        else:
            raise SystemExit("the disk has no end")
        """,
        memory_mb=400,
    )
    assert result.status == "passed", result


@pytest.mark.parametrize("source", ["while True: pass", "import time; time.sleep(60)", "input() or [].sleep"])
def test_time(source):
    began = time.monotonic()
    result = run(source, seconds=1)
    assert result.status == ("failed" if "input" in source else "timeout")
    assert time.monotonic() - began < 4


def test_endless_output_is_dropped_while_it_comes():
    result = run("import sys\nwhile True: sys.stdout.write('x' * 65536)", seconds=1, output_bytes=1000)
    assert result.status == "timeout" and result.stdout == "x" * 1000
    result = run("import sys\nsys.stderr.write('é' * 200000)", output_bytes=1000)
    assert result.status == "passed" and len(result.stderr.encode()) <= 1003


def test_files_of_the_machine(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("here")
    result = run(
        f"""
        import os
        from pathlib import Path
        assert not os.path.exists({str(secret)!r}) and not os.path.exists({str(ROOT)!r} + "/README.md")
        for path in ("/etc", "/root/.ssh", "/home", "/var", "/sys", "/mnt", {str(Path.home() / ".ssh")!r}):
            assert not os.path.isdir(path) or not os.listdir(path), path
        hidden = [name for name in os.listdir({str(Path.home())!r}) if name] if os.path.isdir({str(Path.home())!r}) else []
        print(hidden)
        for path in ("/usr/x", "/x", {str(secret)!r}, "/proc/sys/kernel/hostname", "/dev/x", "/code/x", os.__file__):
            try:
                open(path, "w")
            except OSError:
                continue
            raise SystemExit(path)
        for path in (os.__file__, "/usr/bin/env", "/code/amongus/sandbox/inside/init_process.py"):
            try:
                os.remove(path)
            except OSError:
                continue
            raise SystemExit(path)
        Path("/tmp/own").write_text("mine")
        """
    )
    assert result.status == "passed", result
    assert secret.read_text() == "here" and not os.path.exists("/tmp/own")
    shown = {
        Path(path).relative_to(Path.home()).parts[0]
        for path in bubblewrap._visible()
        if Path(path).is_relative_to(Path.home())
    }
    assert set(eval(result.stdout)) <= shown


def test_the_environment(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    result = run("import os; print(dict(os.environ), open('/proc/self/environ').read())")
    assert "verysecret" not in result.stdout + result.stderr and "'HOME': '/tmp'" in result.stdout


def test_the_network(tmp_path):
    name = f"\0amongus-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as local,
    ):
        abstract.bind(name)
        local.bind(str(tmp_path / "s"))
        for one in (abstract, local):
            one.listen()
        result = run(
            f"""
            import socket
            targets = [
                (socket.AF_INET, ("127.0.0.1", {listener.getsockname()[1]})),
                (socket.AF_INET, ("1.1.1.1", 53)),
                (socket.AF_UNIX, {name!r}),
                (socket.AF_UNIX, {str(tmp_path / "s")!r}),
            ]
            for family, address in targets:
                with socket.socket(family) as one:
                    one.settimeout(1)
                    try:
                        one.connect(address)
                    except OSError:
                        continue
                    raise SystemExit(repr(address))
            for family in (16, 17, 40):  # netlink, packets, vsock
                try:
                    socket.socket(family, socket.SOCK_RAW if family < 40 else socket.SOCK_STREAM)
                except OSError:
                    continue
                raise SystemExit(family)
            """
        )
        assert result.status == "passed", result
        for one in (listener, abstract, local):
            one.settimeout(0)
            with pytest.raises(BlockingIOError):
                one.accept()


def test_privileges_cannot_be_gained():
    result = run(
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.unshare(0x10000000) == -1 and libc.mount(b"x", b"/tmp", b"tmpfs", 0, None) == -1
        for change in (lambda: os.setuid(0), lambda: os.chroot("/tmp"), lambda: os.setgroups([0])):
            try:
                change()
            except OSError:
                continue
            raise SystemExit("changed")
        """
    )
    assert result.status == "passed", result


DAEMON = """
import os, signal, sys, time
for number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(1), os.close(2)
        time.sleep(60)
    os._exit(0)
"""


def test_a_daemon_does_not_outlive_its_run(alive):
    result = run(DAEMON)
    assert result.status == "passed" and result.seconds < 3
    assert not alive()


def test_nothing_outlives_a_killed_harness(alive):
    source = f"{DAEMON}time.sleep(60)"
    code = (
        f"from amongus import sandbox; from amongus.sandbox import bubblewrap; bubblewrap.CODE = {bubblewrap.CODE!r};"
        f"sandbox.run({source!r}, seconds=60)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    harness = subprocess.Popen([sys.executable, "-c", code], env=environment)
    until = time.monotonic() + 20
    while len(alive()) < 4 and time.monotonic() < until:  # bubblewrap, process 1, the program, the daemon
        time.sleep(0.05)
    assert alive()
    harness.send_signal(signal.SIGKILL)
    harness.wait()
    until = time.monotonic() + 5
    while alive() and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive()
    cgroups.sweep()
    assert not [left for parent, _ in cgroups._parents() for left in parent.glob(f"amongus-{harness.pid}-*")]
