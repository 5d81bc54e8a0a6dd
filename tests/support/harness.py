"""Real Snakemake on a copy of the project: which jobs run, and what they leave behind."""

import ast
import copy
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from amongus.study.names import FIGURES, TABLES
from checkout import ROOT

PARTS = ("Snakefile", "rules", "workflow", "config", "resources", "profiles", "slurm", "envs")
TARGETS = {"all", "tables", "figures", "responses", "models", "datasets"}
REPORT = Counter([*(f"table-{name}" for name in TABLES), *(f"figure-{name}" for name in FIGURES), "viewer"])
"""The jobs of the report."""
STUB = """
from pathlib import Path
for output in snakemake.output:
    path = Path(output)
    if path.suffix:
        path.write_text("made")
    else:
        path.mkdir(parents=True, exist_ok=True)
"""

# A process that has imported what Snakemake imports for every run; each run is a fork of it.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["snakemake.cli", "pydantic", "requests", "docutils.core", "smart_open"])


class Project:
    """A copy of the project in `folder` with one study, `study` (a config), of its own."""

    def __init__(self, folder: Path, study: dict) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            source = ROOT / part
            if source.is_symlink():
                (folder / part).symlink_to(source.readlink())
            elif source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, folder / part)
        self.study = study

    @property
    def results(self) -> Path:
        """The study's results."""
        return self.folder / "results" / self.study["study"]

    def stub(self) -> "Project":
        """Replace every script by one that makes its outputs at once, but still reaches the same modules."""
        for path in (self.folder / "workflow" / "scripts").glob("[!_]*.py"):
            tree = ast.parse(path.read_text())
            kept = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
            imports = "".join(f"    {ast.unparse(node)}\n" for node in kept)
            path.write_text(f"if False:\n{imports}{STUB}")
        return self

    def command(self, *arguments: str, cores: int | None = 2, study: Path | None = None) -> list[str]:
        """The command line of a run, of the study's own file or another; without `cores` where a profile submits jobs."""
        (self.folder / "study.yaml").write_text(yaml.safe_dump(self.study, sort_keys=False))
        return [
            str(Path(sys.executable).with_name("snakemake")),
            *arguments,
            *(["--cores", str(cores)] if cores else []),
            "--configfile",
            str(study or "study.yaml"),
        ]

    def environment(self) -> dict[str, str]:
        """The environment of a run: this interpreter's scripts first."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "MPLCONFIGDIR": str(self.folder / ".mpl")}

    def snakemake(
        self, *arguments: str, check: bool = True, cores: int | None = 2, study: Path | None = None
    ) -> subprocess.CompletedProcess:
        """Run Snakemake; fail with its output unless `check` is False."""
        done = _forked(self.command(*arguments, cores=cores, study=study), self.folder, self.environment())
        if done.returncode == -signal.SIGKILL or (check and done.returncode):
            raise AssertionError(f"status {done.returncode}: {done.stdout[-3000:]}{done.stderr[-6000:]}{self.logs()}")
        return done

    def logs(self) -> str:
        """The ends of the rules' logs, newest last."""
        files = sorted(self.folder.glob("results/**/logs/**/*.log"), key=lambda path: path.stat().st_mtime)
        return "\n".join(f"== {path}\n{path.read_text()[-1500:]}" for path in files[-2:])

    def pending(self, *arguments: str) -> Counter:
        """The jobs a run would start, by rule name; wildcards are appended, the seed is left out."""
        shown = self.snakemake("--dry-run", *arguments).stdout
        return jobs(shown)

    def run(self, *arguments: str) -> Counter:
        """Run, and return the jobs that ran."""
        done = self.snakemake(*arguments)
        return jobs(done.stderr + done.stdout)

    def edit(self, module: str, old: str, new: str) -> None:
        """Replace text in a module of the copy's package, once."""
        path = self.folder / "workflow" / "scripts" / "amongus" / module
        text = path.read_text()
        assert text.count(old) >= 1, f"{module} does not hold {old!r}"
        path.write_text(text.replace(old, new, 1))

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Undo what the block changes in the study and in the workflow's modules."""
        study = copy.deepcopy(self.study)
        files = {path: path.read_text() for path in self.folder.glob("workflow/**/*.py")}
        try:
            yield
        finally:
            self.study = study
            for path, text in files.items():
                if path.read_text() != text:
                    path.write_text(text)


def _forked(
    command: list[str], folder: Path, environment: dict[str, str], timeout: float = 900
) -> subprocess.CompletedProcess:
    """Run Snakemake's `command` in `folder`, killed after `timeout` seconds, without importing it anew."""
    with tempfile.TemporaryDirectory() as kept:
        outputs = [Path(kept, name) for name in ("stdout", "stderr")]
        process = _FORKS.Process(target=_snakemake, args=(command, folder, environment, outputs))
        process.start()
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
        stdout, stderr = (path.read_text(errors="replace") for path in outputs)
    return subprocess.CompletedProcess(command, process.exitcode, stdout, stderr)


def _snakemake(command: list[str], folder: Path, environment: dict[str, str], outputs: list[Path]) -> None:
    """As the command line would: in its folder, with its environment, and without the tests' modules."""
    for descriptor, path in enumerate(outputs, start=1):
        with path.open("w") as file:
            os.dup2(file.fileno(), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    ours = (str(ROOT / "tests"), str(ROOT / "workflow"))
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [path for path in sys.path if not path.startswith(ours)]
    # This module has imported the checkout's package; the run must import its own copy.
    for name in [name for name in sys.modules if name.partition(".")[0] == "amongus"]:
        del sys.modules[name]
    sys.argv = command
    from snakemake.cli import main

    main(command[1:])


def jobs(output: str) -> Counter:
    """Jobs announced in Snakemake's output, `all` and other target rules left out."""
    found: Counter = Counter()
    for block in re.split(r"\n(?=\s*(?:local)?rule [\w.-]+:)", "\n" + output):
        head = re.match(r"\s*(?:local)?rule ([\w.-]+):", block)
        if not head or head.group(1) in TARGETS:
            continue
        wildcards = re.search(r"^\s+wildcards: (.*)$", block, re.MULTILINE)
        values = [pair.split("=", 1) for pair in wildcards.group(1).split(", ")] if wildcards else []
        name = "-".join([head.group(1), *(value for key, value in values if key != "seed")])
        found[name] += 1
    return found
