"""Programs for the sandbox; and whether they can be sandboxed here at all, found out without the project's own launcher."""

import os
import shutil
import subprocess
import textwrap
from functools import cache

from amongus import sandbox

LIMITS = {"seconds": 3.0, "memory_mb": 200}


def run(source: str, **limits: float) -> sandbox.Result:
    """Run a program in the sandbox, within `LIMITS` unless told otherwise."""
    return sandbox.run(textwrap.dedent(source), sandbox.Limits(**{**LIMITS, **limits}))


@cache
def obstacle() -> str:
    """Why not, in a line; empty where it can be."""
    if not shutil.which("bwrap"):
        return "bubblewrap is not installed (make bubblewrap)"
    # As a user without privileges, which is what the launcher becomes.
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    smallest = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    try:
        done = subprocess.run([*drop, *smallest], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        return f"bubblewrap cannot be started here ({error})"
    return f"bubblewrap does not work here ({done.stderr.strip()})" if done.returncode else ""
