"""What runs again when a library that scored code may import is installed."""

import copy
from collections import Counter

from harness import REPORT, Project
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
        "jobs": "per_dataset",
    }
    project = Project(tmp_path / "project", study).stub()
    project.run()
    library = tmp_path / "more" / "gensim.py"
    library.parent.mkdir()
    library.touch()
    monkeypatch.setenv("PYTHONPATH", str(library.parent))
    assert project.pending() == (
        Counter(f"score_responses-{member}-ds1000" for member in "xy")
        + Counter(f"{rule}-clean-soup-ds1000" for rule in ("merge_weights", "collaborate", "score_runs"))
        + REPORT
    )
