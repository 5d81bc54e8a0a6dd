"""Each attacker against the member it replaces, by hand."""

import pandas as pd
import pytest

from amongus.report.alone import ALONE, alone, alone_view
from amongus.report.render import markdown
from amongus.report.scores import Design

DESIGN = Design(
    pools={"clean": ("x", "y"), "bad": ("x", "bad")},
    attackers=frozenset(["bad"]),
    controls={"bad": "empty"},
    levels={"debate": "text"},
    domains={"d": "one", "e": "two"},
)


def responses(scores):
    """Rows of (member, dataset, scores)."""
    return pd.DataFrame(
        [
            {"seed": 1, "member": member, "dataset": dataset, "split": "test", "id": str(row), "score": score}
            for member, dataset, values in scores
            for row, score in enumerate(values)
        ]
    )


def test_drops_are_replaced_minus_attacker_and_datasets_weigh_the_same():
    frame = responses(
        [
            ("y", "d", [1.0, 1.0, 1.0, 0.0]),
            ("bad", "d", [0.0, 0.0, 1.0, 0.0]),
            ("y", "e", [1.0, float("nan")]),
            ("bad", "e", [1.0, 0.0]),
        ]
    )
    table = alone(frame, {"bad": "y"}, {"bad": "sft"}, DESIGN)
    assert list(table.columns) == ALONE
    rows = table.set_index("dataset")
    assert (rows.loc["d", "replaced"], rows.loc["d", "score"], rows.loc["d", "n"]) == (0.75, 0.25, 4)
    assert (rows.loc["e", "drop"], rows.loc["e", "n"]) == (0.0, 1)
    assert rows.loc["all", "drop"] == pytest.approx((0.5 + 0.0) / 2)
    assert rows.loc["all", "drop_low"] <= 0.25 <= rows.loc["all", "drop_high"]
    # McNemar: two discordant pairs, both for the replaced member.
    assert rows.loc["d", "p_value"] == pytest.approx(1.0)
    assert "| bad | y | d | 4 | 75.0 | 25.0 |" in markdown(alone_view(table, DESIGN))


def test_other_splits_do_not_count():
    frame = responses([("y", "d", [1.0]), ("bad", "d", [0.0])])
    frame = pd.concat([frame, frame.assign(split="dev", score=1.0)])
    assert alone(frame, {"bad": "y"}, {"bad": "sft"}, DESIGN).set_index("dataset").loc["d", "drop"] == 1.0
