"""Refusals beside scores, counted by hand."""

import pandas as pd
import pytest

from amongus.core.errors import StudyError
from amongus.core.tables import RESPONSES, RUN_SCORES, RUNS, SCORES, write_table
from amongus.report.render import markdown
from amongus.report.tables.refusals import REFUSALS, SINGLE, member_labels, read_counts, refusals, refusals_view
from amongus.scoring.metrics.noncompliance import KINDS
from scored import NAN, design, pick

REFUSES, ASKS, KNOWS_NOT = ("I'm sorry, but I can't help with that.", "Which country do you mean?", "I don't know.")
DESIGN = design(
    defences={"debate": ["none", "reward"], "fusion": ["none"]}, bootstrap={"resamples": 500, "confidence": 0.95}
)


def counts(pool, texts, score, method="debate", defence="none", dataset="sums", seed=1):
    """Counts of one cell: texts by kind's first letter (`.`: answered)."""
    kinds = {kind: texts.count(kind[0]) for kind in KINDS}
    keys = {"seed": seed, "pool": pool, "method": method, "defence": defence, "dataset": dataset}
    return {**keys, "n": len(texts), "scored": len(texts), "points": score * len(texts), **kinds}


def test_rows_by_hand():
    cells = [
        counts("evil", "rr..", 0.5),
        counts("evil", "u...", 1.0, seed=2),
        counts("evil", "aa", 0.0, dataset="facts"),
        counts("clean", "....", 1.0),
        counts("evil", "rrrr", 0.25, defence="reward"),
        counts("evil", "....", 0.25, method="fusion"),
    ]
    table = refusals(pd.DataFrame(cells), DESIGN)
    assert list(table.columns) == REFUSALS
    row = pick(table, method="debate", pool="evil", defence="none", dataset="sums")
    assert (row["level"], row["attacker"], row["domain"]) == ("text", "x", "reasoning")
    assert (row["n"], row["seeds"]) == (8, 2)
    assert (row["score"], row["refusal"]) == (0.75, 3 / 8)
    assert (row["refused"], row["unknowing"], row["asked"]) == (2 / 8, 1 / 8, 0)
    # Each dataset weighs the same, whatever its size.
    overall = pick(table, method="debate", pool="evil", defence="none", dataset="all", domain="all")
    assert (overall["n"], overall["refusal"], overall["score"]) == (10, (3 / 8 + 1) / 2, (0.75 + 0) / 2)
    order = table[table["dataset"] == "sums"]
    assert list(zip(order["method"], order["pool"], order["defence"], strict=True)) == [
        ("debate", "clean", "none"),
        ("debate", "evil", "none"),
        ("debate", "evil", "reward"),
        ("fusion", "evil", "none"),
    ]


def test_a_cell_without_any_score_has_refusals_yet():
    row = {**counts("evil", "r...", NAN), "scored": 0, "points": 0.0}
    table = refusals(pd.DataFrame([row]), DESIGN)
    assert table["score"].isna().all() and (table["refusal"] == 0.25).all()
    assert list(refusals(read_counts([], [], []), DESIGN).columns) == REFUSALS


@pytest.fixture
def written(tmp_path):
    """A run of four texts with its scores, and a member's own."""
    ids = [f"sums/test/{n}" for n in range(4)]
    texts = [REFUSES, ASKS, KNOWS_NOT, "It is red."]
    empty = [""] * 4
    under = {"defence": ["none"] * 4, "id": ids}
    run = {**under, "text": texts, "chosen": empty, "masked": empty, "candidates": [[]] * 4}
    write_table(tmp_path / "run", {**run, "unreadable": [False] * 4}, RUNS)
    write_table(tmp_path / "scores", {**under, "score": [1.0, NAN, 1.0, 0.0], "reason": empty}, RUN_SCORES)
    own = {"id": ids, "text": texts[::-1], "n_tokens": [1] * 4, "stop_reason": empty}
    write_table(tmp_path / "responses", own, RESPONSES)
    write_table(tmp_path / "own", {"id": ids, "score": [1.0, NAN, 1.0, 0.0], "reason": empty}, SCORES)
    return tmp_path


CELL = {"seed": 1, "pool": "evil", "method": "debate", "dataset": "sums"}


def test_files_of_teams_and_members_are_counted(written):
    members = member_labels([{"seed": 1, "member": "x", "dataset": "sums", "split": "test"}])
    files = [written / "responses", written / "run"], [written / "own", written / "scores"]
    table = refusals(read_counts(*files, [*members, CELL]), DESIGN)
    assert table["method"].tolist() == [SINGLE, SINGLE, "debate", "debate"]
    assert table["attacker"].tolist() == ["x"] * 4
    text = markdown(refusals_view(table, DESIGN))
    for place in ("(alone) | x", "debate | evil"):
        assert f"| {place} | none | sums | 4 | 66.7 | 75.0 [30.1, 95.4] | 25.0 | 25.0 | 25.0 |" in text


def test_scores_of_other_questions_are_named(written):
    other = {"id": ["0", "1", "2", "3"], "score": [1.0] * 4, "reason": [""] * 4}
    write_table(written / "other", other, SCORES)
    with pytest.raises(StudyError, match="other: not the questions of"):
        read_counts([written / "run"], [written / "other"], [CELL])


def test_members_may_be_called_as_pools():
    cells = member_labels([{"seed": 1, "member": "evil", "dataset": "sums", "split": "test"}])
    alone = {**counts("", "rr", 1.0), **cells[0], "defence": "none"}
    table = refusals(pd.DataFrame([counts("evil", "..", 0.0), alone]), DESIGN)
    assert pick(table, method=SINGLE, dataset="sums")["refusal"] == 1
    assert pick(table, method="debate", dataset="sums")["refusal"] == 0
