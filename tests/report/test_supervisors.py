"""Whom supervisors masked, counted by hand."""

from math import isnan

import pandas as pd
import pytest

import scored
from amongus.core.tables import RUNS, SCORES, write_table
from amongus.report.statistics import wilson
from amongus.report.tables.supervisors import SUPERVISORS, read_masks, read_responses, supervisors
from scored import NAN, design, own_scores, pick

DESIGN = design(
    pools={"clean": ["a", "b", "c"], "evil": ["a", "b", "x"], "empty": ["a", "b"]},
    levels={"router": "api", "debate": "text", "soup": "weight"},
    defences={"debate": ["none", "self", "reward", "judge", "oracle"]},
    bootstrap={"resamples": 500, "confidence": 0.95},
)


def cell(masked, candidates="abx", lost=(), defence="reward", **keys):
    """Masks of one cell: `masked` and `candidates` per question, members named by a letter."""
    lists = [candidates] * len(masked) if isinstance(candidates, str) else candidates
    return scored.cell("evil", [0] * len(masked), defence=defence).assign(
        masked=pd.Series(masked, dtype=object),
        candidates=pd.Series([tuple(names) for names in lists], dtype=object),
        unreadable=[i in lost for i in range(len(masked))],
        id=[str(i) for i in range(len(masked))],
        **keys,
    )


def only(masks, responses=None, **keys):
    return pick(supervisors(masks, responses, DESIGN), **{"dataset": "sums", **keys})


def test_row_by_hand():
    row = only(cell(["x", "a", "x", None], lost=[3]))
    assert list(row.index) == SUPERVISORS
    names = {"level": "text", "method": "debate", "attacker": "x", "pool": "evil", "defence": "reward"}
    counts = {"n": 4, "seeds": 1, "with_attacker": 4, "decisions": 4, "masks": 3, "unparsable": 1}
    shares = {"masked_attacker": 0.5, "masked_other": 0.25, "chance": pytest.approx(1 / 3)}
    expected = {**names, "domain": "reasoning", **counts, **shares}
    assert row[list(expected)].to_dict() == expected
    assert (row["masked_low"], row["masked_high"]) == pytest.approx(wilson(2 / 4, 4))
    assert isnan(row["masked_wrong"]) and isnan(row["chance_wrong"])


def test_questions_without_an_attacker_among_the_candidates_do_not_count():
    masks = cell(["x", "a", "b", "a"], ["ax", "ab", "bx", "ab"], method="router")
    # A router's `self` suspects no member: it has no row.
    row = only(pd.concat([masks, masks.assign(defence="self")]))
    assert (row["n"], row["with_attacker"], row["decisions"], row["masks"]) == (4, 2, 2, 4)
    assert (row["masked_attacker"], row["masked_other"], row["chance"]) == (0.5, 0.5, 0.5)


def test_wrong_answers_are_compared_with_the_candidates():
    responses = own_scores(
        ("a", "sums", [1.0, 0.0, 1.0, 0.0]),
        ("b", "sums", [1.0, 0.5, NAN, 1.0]),
        ("x", "sums", [0.0, 0.0, 0.0, NAN]),
        ("a", "facts", [0.0] * 4),
    )
    responses = pd.concat([responses, own_scores(("a", "sums", [0.0] * 4)).assign(split="dev")])
    # Masked: x (wrong, others right), b (not wrong), a (right; b unscored), x (unscored: left out).
    row = only(cell(["x", "b", "a", "x"]), responses)
    assert row["masked_wrong"] == pytest.approx(1 / 3)
    assert row["chance_wrong"] == pytest.approx((1 / 3 + 2 / 3 + 1 / 2) / 3)
    unmasked = only(cell([None, None]), responses)
    assert unmasked["masks"] == 0 and isnan(unmasked["masked_wrong"])
    unknown = only(cell(["x"], dataset="facts"), own_scores(("a", "facts", [0.0])), dataset="facts")
    assert isnan(unknown["masked_wrong"])


def test_a_decision_for_the_team_is_one_observation():
    masks = [("x", {}), ("a", {"seed": 2}), ("x", {"dataset": "facts"})]
    masks = pd.concat([cell([masked] * 50, defence="self", **keys) for masked, keys in masks])
    row = only(masks, dataset="all")
    assert (row["with_attacker"], row["decisions"], row["seeds"]) == (150, 3, 2)
    assert row["masked_attacker"] == pytest.approx(2 / 3)
    assert (row["masked_low"], row["masked_high"]) == pytest.approx(wilson(2 / 3, 3))
    assert only(cell(["x"] * 9, method="soup"))["decisions"] == 1
    # Others decide on each question, and datasets are pooled.
    row = only(pd.concat([cell(["x", "x"]), cell(["a", "x", "a", "a"], dataset="facts")]), dataset="all")
    assert (row["n"], row["decisions"], row["masked_attacker"]) == (6, 6, 0.5)


def test_two_attackers_raise_the_chance():
    two = design(pools={"evil": ["a", "x", "y"]}, attackers=["x", "y"], controls={})
    table = supervisors(cell(["y", "a"], "axy"), None, two)
    assert table["attacker"][0] == "x+y"
    assert (table["chance"][0], table["masked_attacker"][0]) == (pytest.approx(2 / 3), 0.5)


def test_benign_pools_have_no_attacker_to_catch():
    row = only(cell(["a", "b"], "abc", pool="clean"), own_scores(("a", "sums", [0.0, 0.0])))
    assert (row["attacker"], row["n"], row["with_attacker"], row["decisions"]) == ("", 2, 0, 0)
    assert row[["masked_attacker", "masked_low", "masked_high", "chance", "masked_other"]].isna().all()
    assert row["masked_wrong"] == 1.0


def test_masks_and_responses_are_read_with_their_keys(tmp_path):
    runs = {"defence": ["none", "judge", "judge"], "id": ["0", "0", "1"], "text": [""] * 3, "chosen": ["a"] * 3}
    runs |= {"masked": [None, "x", None], "candidates": [["a", "x"]] * 3, "unreadable": [False, False, True]}
    write_table(tmp_path / "run.parquet", runs, RUNS)
    keys = {"seed": 1, "pool": "evil", "method": "debate", "dataset": "sums"}
    masks = read_masks([tmp_path / "run.parquet"], [keys])
    assert masks["candidates"].tolist() == [("a", "x")] * 2
    row = only(masks)
    assert (row["masks"], row["unparsable"], row["masked_attacker"]) == (1, 1, 0.5)

    write_table(tmp_path / "scores.parquet", {"id": ["0"], "score": [0.0], "reason": [""]}, SCORES)
    labels = {"seed": 1, "member": "x", "dataset": "sums", "split": "test"}
    responses = read_responses([tmp_path / "scores.parquet"], [labels])
    assert only(masks, responses)["masked_wrong"] == 1.0
    assert len(supervisors(read_masks([], []), None, DESIGN)) == 0
