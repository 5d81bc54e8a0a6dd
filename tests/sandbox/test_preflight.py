"""Where there is no working sandbox, nothing is run."""

import os

import pytest

from amongus import sandbox
from amongus.core.errors import StudyError
from amongus.sandbox import bubblewrap, execution, seccomp
from sandboxed import obstacle

pytestmark = pytest.mark.skipif(bool(obstacle()), reason=obstacle())


@pytest.fixture
def afresh():
    """The preflight is made once per process: forget it before and after."""
    execution.preflight.cache_clear()
    yield
    execution.preflight.cache_clear()


def test_without_bubblewrap_nothing_is_run(afresh, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(bubblewrap.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(execution.subprocess, "Popen", None)
    with pytest.raises(StudyError, match=r"bwrap.*install"):
        sandbox.preflight()
    result = sandbox.run("print(1)")
    assert (result.status, result.stdout) == ("refused", "") and "bwrap" in result.reason


def test_a_bubblewrap_that_does_not_work_is_refused(afresh, monkeypatch, tmp_path):
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho No permissions to create a namespace >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    tmp_path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    result = sandbox.run("print(1)")
    assert result.status == "refused" and "user namespaces" in result.reason and "\n" not in result.reason


def test_an_open_sandbox_is_refused(afresh, monkeypatch):
    """Were bubblewrap to leave the network open, the preflight would see it."""
    closed = bubblewrap._bubble
    monkeypatch.setattr(bubblewrap, "_bubble", lambda *a: [*closed(*a)[:4], "--share-net", *closed(*a)[4:]])
    with pytest.raises(StudyError, match=r"network|ports|start"):
        sandbox.preflight()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_whole(machine):
    code = seccomp.program(machine)
    assert len(code) % 8 == 0 and len(code) > 300
    assert seccomp.program("pdp11") is None


def test_libraries_behind_a_link_are_named_by_where_they_lie(monkeypatch, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setattr(bubblewrap.sysconfig, "get_path", lambda name: str(tmp_path / "link"))
    assert bubblewrap.packages() == [str(tmp_path / "real")]
