"""A control group per run, for memory and processes summed over a sandbox; version 2 or 1, where available."""

import contextlib
import itertools
import os
import re
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

_NAME = re.compile(r"amongus-(\d+)-\d+")
_numbers = itertools.count()


@dataclass
class Cgroup:
    """The folders of one group (version 1 has one per controller)."""

    folders: list[Path] = field(default_factory=list)

    @property
    def procs_files(self) -> list[str]:
        """Files that a process writes its id to in order to join."""
        return [str(folder / "cgroup.procs") for folder in self.folders]

    def out_of_memory(self) -> bool:
        """Whether a process of the group was killed because memory ran out."""
        return any(
            re.search(r"^oom_kill [1-9]", (folder / name).read_text(), re.MULTILINE)
            for folder in self.folders
            for name in ("memory.events", "memory.oom_control")
            if (folder / name).exists()
        )

    def remove(self) -> None:
        """Remove the folders, once the kernel has let go of the processes."""
        for folder in self.folders:
            for _ in range(100):
                with contextlib.suppress(OSError):
                    folder.rmdir()
                if not folder.exists():
                    break
                time.sleep(0.005)


def make(memory: int, processes: int) -> Cgroup | None:
    """A group of at most `memory` bytes and `processes` processes, or None where memory cannot be limited this way."""
    made = Cgroup()
    name = f"amongus-{os.getpid()}-{next(_numbers)}"
    bounded = False
    for parent, limits in _parents():
        folder = parent / name
        with contextlib.suppress(OSError):
            folder.mkdir()
            made.folders.append(folder)
            for file in limits:
                (folder / file).write_text(str(processes if file == "pids.max" else memory))
            bounded = bounded or any("memory" in file for file in limits)
        for file, value in (("memory.swap.max", 0), ("memory.memsw.limit_in_bytes", memory)):
            with contextlib.suppress(OSError):
                if (folder / file).exists():
                    (folder / file).write_text(str(value))
    if bounded:
        return made
    made.remove()
    return None


def sweep() -> None:
    """Remove the groups that a killed process left."""
    for parent, _ in _parents():
        for folder in parent.glob("amongus-*"):
            name = _NAME.fullmatch(folder.name)
            if name and not Path(f"/proc/{name[1]}").exists():
                Cgroup([folder]).remove()


@cache
def _parents() -> list[tuple[Path, tuple[str, ...]]]:
    """Folders in which a group can be made, with the limits it takes: below this process's own groups."""
    own = dict(line.split(":", 2)[1:] for line in _lines("/proc/self/cgroup"))
    found = []
    for line in _lines("/proc/self/mounts"):
        _, point, kind, options, *_ = line.split()
        if kind == "cgroup2" and "" in own:
            wanted: tuple[str, ...] = ("memory.max", "pids.max")
            # A group that has processes cannot have child groups with limits: then use its parent, if it is writable.
            homes = [own[""], os.path.dirname(own[""])]
        elif kind == "cgroup" and {"memory", "pids"} & set(options.split(",")):
            controller = "memory" if "memory" in options.split(",") else "pids"
            wanted = ("memory.limit_in_bytes",) if controller == "memory" else ("pids.max",)
            homes = [path for names, path in own.items() if controller in names.split(",")]
        else:
            continue
        for home in homes:
            if _takes(Path(f"{point}{home}"), wanted):
                found.append((Path(f"{point}{home}"), wanted))
                break
    return found


def _takes(parent: Path, limits: tuple[str, ...]) -> bool:
    """Whether a group made in `parent` has the files `limits` and this process's children may join it."""
    trial = parent / f"amongus-{os.getpid()}-trial"
    try:
        trial.mkdir()
    except OSError:
        return False
    files = [parent / "cgroup.procs", *(trial / file for file in (*limits, "cgroup.procs"))]
    try:
        return all(os.access(file, os.W_OK) for file in files)
    finally:
        with contextlib.suppress(OSError):
            trial.rmdir()


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if os.path.exists(path) else []
