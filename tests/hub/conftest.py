"""A hub on loopback for the tests of this package."""

import pytest
from huggingface_hub import constants

import fake_hub


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """An empty hub that this process may reach, without a token; nothing waits between two tries."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with fake_hub.running() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub
