"""What runs again when a library that scored code may import is installed."""

import copy
from collections import Counter

from test_staleness import REPORT

from harness import Project
from micro import STUDY


def test_a_library_installed_later_scores_what_may_import_it_and_nothing_else(tmp_path, monkeypatch):
    study = copy.deepcopy(STUDY)
    study |= {
        "datasets": {
            "reasoning": study["datasets"]["reasoning"],
            "ds1000": {"url": "http://localhost/ds1000.json", "sha256": "0" * 64, "dev": 2, "test": 2},
        },
        "models": {name: study["models"][name] for name in ("base", "x", "y")},
        "supervisors": {},
        "attackers": {},
        "pools": {"clean": ["x", "y"]},
        "methods": {"soup": {"defences": ["none"]}},
        "batch": dict.fromkeys(["respond", "learn", "collaborate", "score"], 1),
    }
    project = Project(tmp_path / "project", study).stub()
    project.run()
    library = tmp_path / "more" / "gensim.py"
    library.parent.mkdir()
    library.touch()
    monkeypatch.setenv("PYTHONPATH", str(library.parent))
    soup = "clean.soup.none.ds1000"
    assert project.pending() == (
        Counter(f"score_responses_{member}.ds1000.{split}" for member in "xy" for split in ("dev", "test"))
        + Counter(f"{rule}_{soup}" for rule in ("learn", "collaborate", "score_runs"))
        + REPORT
    )
