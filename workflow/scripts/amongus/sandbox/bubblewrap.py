"""The command line that starts a sandbox, and the Python in it."""

import atexit
import math
import os
import shutil
import stat
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from amongus.core.errors import StudyError
from amongus.sandbox.inside import init_process

NOBODY = 65534
CODE = "/code"
SCRATCH_BYTES = 64 << 20
_SLACK = 1 << 30  # address space that libraries reserve and do not use, beyond the memory limit
_INSTALL = "install it (Debian: apt-get install bubblewrap; conda: conda-forge's bubblewrap)"
_ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": "/tmp",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PATH": "/usr/bin",
    "PYTHONHASHSEED": "0",
    "PYTHONIOENCODING": "utf-8:backslashreplace",
    "TZ": "UTC",
}
# Mounts the interpreter where the user nobody may read it, and becomes the sandbox.
_LAUNCHER = """
while [ "$1" != -- ]; do
  mount --rbind "$1" "$2" || exit 70
  shift 2
done
shift
exec "$@"
"""


@dataclass(frozen=True)
class Limits:
    """What one run may use."""

    seconds: float = 10.0
    memory_mb: int = 1024
    processes: int = 16
    output_bytes: int = 65536


def _program(name: str) -> str:
    """The path of a program of this machine, or of this environment.

    Raises:
        StudyError: it is missing.
    """
    path = shutil.which(name) or shutil.which(name, path=f"{sys.prefix}/bin")
    if not path:
        fix = _INSTALL if name == "bwrap" else "install it (util-linux)"
        raise StudyError(f"code is scored in a sandbox only, and {name} is not installed: {fix}; nothing was run")
    return path


def command(limits: Limits, secret: int, verdicts: int, seccomp: int | None) -> list[str]:
    """The command: limits, the drop from root, bubblewrap, Python, in this order.

    Args:
        limits: of processor seconds, address space and files; total memory and processes are limited elsewhere.
        secret: the descriptor that process 1 reads once the code under test has its own process.
        verdicts: the descriptor that it writes to.
        seccomp: a descriptor that holds the filter of system calls.

    Raises:
        StudyError: a program is missing, or what must be shown in the sandbox would show the home folder.
    """
    root = os.geteuid() == 0
    shown = _shown()
    staged = {path: _staged(path) if root else path for path in shown}
    bubble = _bubble({staged[path]: place for path, place in shown.items()}, seccomp)
    line: list[str] = []
    moved = {path: stage for path, stage in staged.items() if stage != path}
    if moved:
        line += [_program("unshare"), "--mount", "--propagation", "private"]
        line += ["/bin/sh", "-c", _LAUNCHER, "sh", *(word for pair in moved.items() for word in pair), "--"]
    line += [_program("prlimit"), f"--as={(limits.memory_mb << 20) + _SLACK}", f"--cpu={math.ceil(limits.seconds) + 1}"]
    line += [f"--fsize={SCRATCH_BYTES}", "--nofile=128", "--core=0", "--memlock=0", "--msgqueue=0"]
    if root:
        line += [_program("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        line += ["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
    return [*line, *bubble, *_python(secret, verdicts)]


def _bubble(shown: dict[str, str], seccomp: int | None) -> list[str]:
    """bubblewrap and its namespaces: no network, no other process, no file but /usr and what is `shown` elsewhere."""
    line = [_program("bwrap"), "--unshare-all", "--unshare-user", "--disable-userns", "--as-pid-1"]
    line += ["--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"]
    line += ["--uid", str(NOBODY), "--gid", str(NOBODY), "--cap-drop", "ALL"]
    for name in ("usr", "lib", "lib64", "lib32", "bin", "sbin"):
        path = Path("/", name)
        if path.is_symlink():
            line += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            line += ["--ro-bind", str(path), str(path)]
    # First, because what is mounted next may be below /tmp.
    line += ["--size", str(SCRATCH_BYTES), "--tmpfs", "/tmp"]
    for source, place in shown.items():
        line += ["--ro-bind", source, place]
    line += ["--proc", "/proc", "--tmpfs", "/dev"]
    for name in ("null", "zero", "urandom", "random"):
        line += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    line += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]
    for name, value in _ENVIRONMENT.items():
        line += ["--setenv", name, value]
    return line if seccomp is None else [*line, "--seccomp", str(seccomp)]


def _python(secret: int, verdicts: int) -> list[str]:
    start = (
        f"import sys; sys.path.append('{CODE}'); from amongus.sandbox.inside import init_process; "
        f"init_process.main({secret}, {verdicts})"
    )
    return [os.path.realpath(sys.executable), "-s", "-P", "-S", "-B", "-c", start]


def packages() -> list[str]:
    """Folders of installed libraries, without links, which are not visible in the sandbox."""
    return list(dict.fromkeys(os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib")))


def _shown() -> dict[str, str]:
    """Folders beyond /usr and where the sandbox shows them, read-only: interpreter, libraries, process 1's code.

    Raises:
        StudyError: the interpreter is installed such that showing it would show the home folder.
    """
    home = os.path.realpath(os.path.expanduser("~"))
    shown: dict[str, str] = {}
    for path in (os.path.realpath(sys.base_prefix), *packages()):
        if path == "/" or (home != "/" and f"{home}/".startswith(f"{path}/")):
            raise StudyError(
                f"sandbox: the interpreter's folder {path} holds the home folder; use a virtual environment"
            )
        if not any(f"{path}/".startswith(f"{parent}/") for parent in ("/usr", *shown)):
            shown[path] = path
    return {**shown, os.path.dirname(os.path.realpath(init_process.__file__)): f"{CODE}/amongus/sandbox/inside"}


@cache
def _staged(path: str) -> str:
    """A path at which the user nobody can read `path`: itself, or an empty folder that the launcher mounts it on."""
    if all(parent.stat().st_mode & stat.S_IXOTH for parent in (Path(path), *Path(path).parents)):
        return path
    stage = tempfile.mkdtemp(prefix="amongus-stage-")
    os.chmod(stage, 0o755)
    atexit.register(shutil.rmtree, stage, ignore_errors=True)
    return stage
