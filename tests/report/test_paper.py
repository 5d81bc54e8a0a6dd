"""The paper's figures beside a study's, on studies small enough to work out by hand."""

from functools import partial
from math import isnan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scored
from amongus.core.tables import SCORES, write_table
from amongus.report import statistics
from amongus.report.layout import paper_view
from amongus.report.paper import EMPTY, HEADLINE, differences, headline
from amongus.report.render import csv_text, markdown
from amongus.report.scores import Design
from scored import NAN, pick
from standins import Named, outputs, run

pytestmark = pytest.mark.filterwarnings("error")

VALUE = {
    "study": "tiny",
    "seeds": [1, 2],
    "pools": {"clean": ["a", "b"], "one": ["a", "x"], "two": ["a", "y"], "empty": ["a"]},
    "attackers": {"x": "sft", "y": "prompt"},
    "controls": {"one": "empty", "two": "empty"},
    "levels": {"debate": "text", "fusion": "logit", "soup": "weight"},
    "domains": {"gsm8k": "reasoning", "facts": "knowledge"},
    "defences": {"debate": ["none", "reward", "judge", "random"], "fusion": ["none"], "soup": ["none"]},
    "applicable": {"two": {"soup": False}},
    "bootstrap": {"resamples": 400, "confidence": 0.9},
}
DESIGN = Design.read(VALUE)
cell = partial(scored.cell, dataset="gsm8k")


def undefended():
    """Four questions of one dataset under three methods; soup with one attacked pool only."""
    return [
        cell("clean", [1, 1, 1, 1]),
        cell("one", [1, 1, 0, 0]),
        cell("two", [1, 1, 1, 0]),
        cell("clean", [1, 1, 0, 0], "fusion"),
        cell("one", [1, 0, 0, 0], "fusion"),
        cell("two", [1, 1, 0, 0], "fusion"),
        cell("clean", [1, 1, 1, 1], "soup"),
        cell("one", [0, 0, 0, 0], "soup"),
    ]


ONLY = {**VALUE, "domains": {"gsm8k": "reasoning"}}


def test_drops_average_the_cells_that_every_pool_has():
    table = headline(pd.concat(undefended()), Design.read(ONLY))
    assert list(table.columns) == HEADLINE
    row = pick(table, figure="drop", domain="reasoning")
    # Debate .5 and .75 of 1, fusion .25 and .5 of .5; soup is out.
    assert row["relative"] == pytest.approx(np.mean([-0.5, -0.25, -0.5, 0]))
    assert row["points"] == pytest.approx(np.mean([-0.5, -0.25, -0.25, 0]))
    assert (row["cells"], row["no_ratio"], row["questions"], row["paper"]) == (4, 0, 4, -0.0712)
    assert (row["methods"], row["pools"], row["datasets"]) == ("debate, fusion", "one, two", "gsm8k")
    assert row["relative_low"] <= row["relative"] <= row["relative_high"]
    assert row["points_low"] < row["points"] < row["points_high"]
    assert isnan(row["undefended"])


def test_a_domain_without_a_dataset_says_so():
    table = headline(pd.concat(undefended()), Design.read(ONLY))
    row = pick(table, figure="drop", domain="safety")
    assert (row["paper"], row["cells"], row["note"]) == (
        -0.0794,
        0,
        "the study has no dataset of this domain",
    )
    assert isnan(row["relative"]) and isnan(row["points_low"])
    text = markdown(paper_view(table, DESIGN))
    assert "| safety | none | −7.94 | – | – | – | – | 0 | the study has no dataset of this domain |" in text


def defended():
    rows = undefended()
    rows += [cell("clean", [1, 1, 1, 1], defence="reward"), cell("clean", [1, 1, 1, 0], defence="judge")]
    rows += [cell("clean", [0, 1, 1, 1], defence="random"), cell("empty", [1, 1, 0, 1])]
    for pool in ("one", "two"):
        rows += [
            cell(pool, [1, 1, 1, 0], defence="reward"),
            cell(pool, [1, 1, 1, 1], defence="judge"),
            cell(pool, [1, 0, 0, 0], defence="random"),
        ]
    return rows


def test_recovery_of_external_supervisors_controls_and_the_empty_place():
    table = headline(pd.concat(defended()), Design.read(ONLY))
    rows = table[table["figure"] == "recovery"]
    assert rows["defences"].tolist() == ["reward, judge", "reward", "judge", "random", EMPTY]
    assert rows["relative"].tolist() == pytest.approx([0.875, 0.75, 1.0, 0.25, 0.75])
    assert rows["points"].tolist() == pytest.approx([-0.125, -0.25, 0, -0.75, -0.25])
    assert rows["undefended"].tolist() == pytest.approx([0.625] * 5)
    assert rows["clean_defended"].tolist() == pytest.approx([0.875, 1.0, 0.75, 0.75, NAN], nan_ok=True)
    assert rows["cells"].tolist() == [4, 2, 2, 2, 2]
    assert set(rows["methods"]) == {"debate"}
    assert rows["paper"].tolist() == pytest.approx([0.9531, *[NAN] * 4], nan_ok=True)


def test_placebos_and_several_attackers_are_in_no_average():
    value = {
        **ONLY,
        "pools": {**ONLY["pools"], "three": ["a", "x", "y"], "sham": ["a", "z"]},
        "placebos": ["z"],
    }
    value["attackers"] = {**ONLY["attackers"], "z": "sft"}
    scores = [*undefended(), *(cell(pool, [0] * 4) for pool in ("three", "sham"))]
    table = headline(pd.concat(scores), Design.read(value))
    row = pick(table, figure="drop", domain="reasoning")
    assert (row["pools"], row["cells"], row["points"]) == ("one, two", 4, -0.25)
    assert "or a placebo: three, sham." in "\n".join(differences(value, table, {}))
    alone = {**value, "pools": {"clean": ["a", "b"], "three": ["a", "x", "y"]}, "controls": {}}
    note = pick(headline(pd.concat(scores), Design.read(alone)), figure="drop", domain="reasoning")["note"]
    assert note == "the study has no pool with one attacker"


def test_one_external_supervisor_or_none():
    rows = [frame for frame in defended() if "judge" not in set(frame["defence"])]
    one = Design.read({**ONLY, "defences": {"debate": ["none", "reward", "random"]}})
    table = headline(pd.concat(rows), one)
    # The paper's figure is of both supervisors.
    assert isnan(pick(table, defences="reward")["paper"])
    none = Design.read({**ONLY, "defences": {"debate": ["none", "random"]}})
    row = pick(headline(pd.concat(rows), none), defences="reward, judge")
    assert (row["paper"], row["note"]) == (0.9531, "the study has no external supervisor")
    assert pick(headline(pd.concat(rows), none), defences="random")["relative"] == 0.25


def test_a_clean_score_of_nothing_has_points_only():
    scores = [cell("clean", [0, 0]), cell("one", [1, 0]), cell("two", [0, 0])]
    scores += [cell("clean", [1, 1], "fusion"), cell("one", [1, 0], "fusion"), cell("two", [1, 1], "fusion")]
    row = pick(headline(pd.concat(scores), Design.read(ONLY)), figure="drop", domain="reasoning")
    assert (row["cells"], row["no_ratio"]) == (4, 2)
    assert row["relative"] == pytest.approx(-0.25) and row["points"] == pytest.approx(0.0)
    row = pick(headline(pd.concat(scores[:3]), Design.read(ONLY)), figure="drop", domain="reasoning")
    assert isnan(row["relative"]) and isnan(row["relative_low"]) and row["points"] == 0.25


def test_unscored_questions_are_left_out_of_their_cell():
    scores = [cell("clean", [1, 1, NAN, 1]), cell("one", [0, NAN, 1, 1]), cell("two", [1, 1, 1, 1])]
    row = pick(headline(pd.concat(scores), Design.read(ONLY)), figure="drop", domain="reasoning")
    assert row["points"] == pytest.approx((-1 / 2 + 0) / 2) and row["questions"] == 3
    nobody = [cell("clean", [NAN]), cell("one", [1]), cell("two", [1])]
    row = pick(headline(pd.concat(nobody), Design.read(ONLY)), figure="drop", domain="reasoning")
    assert row["note"] == "no question was scored in every pool"


def test_a_defence_that_the_clean_pool_did_not_have():
    rows = [
        frame
        for frame in defended()
        if not (frame["pool"].iat[0] == "clean" and frame["defence"].iat[0] != "none")
    ]
    row = pick(headline(pd.concat(rows), Design.read(ONLY)), defences="reward")
    assert row["relative"] == 0.75 and isnan(row["clean_defended"])


def test_datasets_and_seeds_have_the_same_weight():
    value = {**VALUE, "levels": {"debate": "text"}}
    scores = []
    for seed in (1, 2):
        scores += [
            cell("clean", [1] * 40, seed=seed),
            cell("one", [0] * 40, seed=seed),
            cell("two", [0] * 40, seed=seed),
        ]
        for pool in ("clean", "one", "two"):
            scores.append(cell(pool, [1] * 10, dataset="facts", seed=seed))
    table = headline(pd.concat(scores), Design.read(value))
    assert pick(table, figure="drop", domain="all")["points"] == -0.5
    assert pick(table, figure="drop", domain="all")["questions"] == 100


def test_questions_are_resampled_jointly():
    # Both attacked pools fail the same questions: two cells tell no more than one.
    rng = np.random.default_rng(3)
    lost = rng.integers(0, 2, 200)
    value = {**ONLY, "levels": {"debate": "text"}, "bootstrap": {"resamples": 4000, "confidence": 0.95}}
    scores = [cell("clean", [1] * 200), cell("one", 1 - lost), cell("two", 1 - lost)]
    row = pick(headline(pd.concat(scores), Design.read(value)), figure="drop", domain="reasoning")
    low, high = statistics.interval(-lost.astype(float), seed=1, resamples=4000)
    assert (row["points_low"], row["points_high"]) == pytest.approx((low, high), abs=0.016)
    # And where they fail opposite ones, what one gains the other loses.
    scores[2] = cell("two", lost)
    row = pick(headline(pd.concat(scores), Design.read(value)), figure="drop", domain="reasoning")
    assert row["points_low"] == pytest.approx(-0.5) and row["points_high"] == pytest.approx(-0.5)


def test_order_of_the_input_changes_nothing():
    scores = pd.concat(defended())
    again = headline(scores.sample(frac=1, random_state=2), Design.read(ONLY))
    pd.testing.assert_frame_equal(headline(scores, Design.read(ONLY)), again)


def test_differences_follow_from_the_design():
    table = headline(pd.concat(undefended()), Design.read(ONLY))
    value = {
        **ONLY,
        "fidelity": "corrected",
        "judge_form": "pointwise",
        "models": {
            "a": {"kind": "toy_expert", "source": ""},
            "b": {"kind": "toy_expert", "source": ""},
            "j": {"kind": "hub", "source": "some/judge"},
        },
        "kinds": {"datasets": {}, "methods": {"soup": "mine.py"}},
        "overlaps": [{"pool": "one", "defence": "judge", "reason": "j is a"}],
        "verified": {"j": ["facts"]},
    }
    text = "\n".join(differences(value, table, {"gsm8k": 4}))
    assert (
        "**Study**: tiny; seeds: 1, 2; fidelity: corrected; judge: pointwise (the paper's: listwise)." in text
    )
    assert "trained on the spot: 2 toy_expert; fetched: j (some/judge). Members of the clean pool: 2." in text
    assert (
        "**Methods**: debate, fusion (of the paper's 8). Absent: llm_router, graph_router, feedback" in text
    )
    assert "Not of the paper: mine.py." in text
    assert "**Supervisors that are not independent**: judge: j is a." in text
    assert "**Scored by the verifier j**: facts (the paper's: ds1000, by TIGER-Lab/general-verifier)." in text
    assert "**Attackers**: prompt, sft (of the paper's 4). Absent: steering, grpo." in text
    assert "**External supervisors**: reward, judge (of the paper's 2)." in text
    assert "cannot run them: soup." in text
    assert "**Questions, reasoning**: gsm8k (4 test questions; the paper: 1000). Absent: nlgraph." in text
    assert "**Questions, safety**: none. Absent: coconot, safetybench." in text


def test_differences_need_no_more_than_the_tables_design():
    few = {key: value for key, value in ONLY.items() if key not in ("study", "seeds")}
    table = headline(pd.concat(undefended()), Design.read(few))
    text = "\n".join(differences({**few, "attackers": ["x", "y"], "levels": {"<b>": "text"}}, table, {}))
    assert "not recorded" in text and "unnamed" in text
    assert "\\<b\\>" in text and "<b>" not in text


def test_the_script_writes_both(tmp_path):
    frames, cells = defended(), []
    for number, frame in enumerate(frames):
        cells.append({key: frame[key].iat[0] for key in ("seed", "pool", "method", "defence", "dataset")})
        columns = {"id": frame["id"].tolist(), "score": frame["score"].tolist(), "reason": [""] * len(frame)}
        write_table(tmp_path / f"{number}", columns, SCORES)
    output = outputs(tmp_path / "paper", ("csv", "md"))
    scores = [tmp_path / f"{number}" for number in range(len(frames))]
    run("paper", Named(scores=scores), output, cells=cells, design=ONLY)
    assert Path(output.csv).read_text() == csv_text(headline(pd.concat(frames), Design.read(ONLY)))
    text = Path(output.md).read_text()
    assert text.startswith("# The paper's headline figures\n")
    assert "| all | reward, judge | 95.31 | 87.5 [" in text
    assert "- **Study**: tiny; seeds: 1, 2.\n" in text
