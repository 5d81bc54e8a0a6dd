"""Paths, threads and fixtures of every test."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# Before torch is imported: more threads than idle cores slow tiny models down.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

ROOT = Path(__file__).resolve().parents[1]
for folder in ("workflow/scripts", "tests/support"):
    sys.path.insert(0, str(ROOT / folder))

# On a busy machine any example may take long.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")


def pytest_collection_modifyitems(items: list) -> None:
    """The workflow's tests first: minutes each, they would leave all workers but one idle at the end."""
    items.sort(key=lambda item: "workflow" not in item.path.parts)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """An empty hub on loopback that this process may reach, without a token; nothing waits between two tries."""
    import fake_hub

    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with fake_hub.running() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub
