"""Each attacker against the member it replaces, by hand."""

import pandas as pd
import pytest
from scipy import stats

from amongus.report.render import markdown
from amongus.report.tables.alone import ALONE, alone, alone_view
from scored import NAN, design, own_scores

DESIGN = design(pools={"clean": ["x", "y"], "bad": ["x", "bad"]}, attackers=["bad"], controls={"bad": "empty"})


def test_drops_are_replaced_minus_attacker_and_datasets_weigh_the_same():
    frame = own_scores(
        ("y", "sums", [1.0, 1.0, 1.0, 0.0]),
        ("bad", "sums", [0.0, 0.0, 1.0, 0.0]),
        ("y", "facts", [1.0, NAN]),
        ("bad", "facts", [1.0, 0.0]),
    )
    # Other splits do not count.
    frame = pd.concat([frame, frame.assign(split="dev", score=1.0)])
    table = alone(frame, {"bad": "y"}, {"bad": "sft"}, DESIGN)
    assert list(table.columns) == ALONE
    rows = table.set_index("dataset")
    assert (rows.loc["sums", "replaced"], rows.loc["sums", "score"], rows.loc["sums", "n"]) == (0.75, 0.25, 4)
    assert (rows.loc["facts", "drop"], rows.loc["facts", "n"]) == (0.0, 1)
    assert rows.loc["all", "drop"] == pytest.approx((0.5 + 0.0) / 2)
    assert rows.loc["all", "drop_low"] <= 0.25 <= rows.loc["all", "drop_high"]
    # Two of four pairs differ, both for the replaced member: t = 2 / sqrt(2 + 1 - 4/6), 5 degrees of freedom.
    assert rows.loc["sums", "p_value"] == pytest.approx(2 * stats.t.sf(2 / (3 - 4 / 6) ** 0.5, 5))
    assert "| bad | y | sums | 4 | 75.0 | 25.0 |" in markdown(alone_view(table, DESIGN))
