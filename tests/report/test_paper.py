"""The paper's figures beside a study's, on studies small enough to work out by hand."""

from functools import partial
from math import isnan

import numpy as np
import pytest
from scipy import stats

import scored
from amongus.report.paper_text import study_text
from amongus.report.render import markdown
from amongus.report.scores import Design
from amongus.report.tables.paper import EMPTY, HEADLINE, headline, paper_view
from examples import examples
from scored import NAN, pick

pytestmark = pytest.mark.filterwarnings("error")

VALUE = {
    **scored.VALUE,
    "seeds": [1, 2],
    "pools": {"clean": ["a", "b"], "one": ["a", "x"], "two": ["a", "y"], "empty": ["a"]},
    "attackers": {"x": "sft", "y": "prompt"},
    "controls": {"one": "empty", "two": "empty"},
    "levels": {"debate": "text", "fusion": "logit", "soup": "weight"},
    "domains": {"gsm8k": "reasoning", "facts": "knowledge"},
    "defences": {"debate": ["none", "reward", "judge", "random"], "fusion": ["none"], "soup": ["none"]},
    "applicable": {"two": {"soup": False}},
    "bootstrap": {"resamples": 400, "confidence": 0.9},
    "kinds": {
        "methods": {"debate": "debate", "fusion": "fusion", "soup": "mine.py"},
        "datasets": {"gsm8k": "gsm8k", "facts": "facts"},
    },
}
ONLY = {**VALUE, "domains": {"gsm8k": "reasoning"}}
cells = partial(scored.cells, dataset="gsm8k")
# Four questions of one dataset under three methods; soup with one attacked pool only.
DEBATE = ["clean 1111", "one 1100", "two 1110"]
FUSION = ["clean fusion 1100", "one fusion 1000", "two fusion 1100"]
UNDEFENDED = [*DEBATE, *FUSION, "clean soup 1111", "one soup 0000"]
DEFENDED = ["clean reward 1111", "clean judge 1110", "clean random 0111", "empty 1101"]
for pool in ("one", "two"):
    DEFENDED += [f"{pool} reward 1110", f"{pool} judge 1111", f"{pool} random 1000"]


def paper(lines, **changes):
    """The figures of cells written as texts, in a study of one dataset."""
    return headline(cells(*lines), Design({**ONLY, **changes}))


def drop(lines, **changes):
    """The drop in the domain of that dataset."""
    return pick(paper(lines, **changes), figure="drop", domain="reasoning")


def test_drops_average_the_cells_that_every_pool_has():
    row = drop(UNDEFENDED)
    assert list(row.index) == HEADLINE
    # Debate .5 and .75 of 1, fusion .25 and .5 of .5; soup is out.
    assert row["relative"] == pytest.approx(np.mean([-0.5, -0.25, -0.5, 0]))
    assert row["points"] == pytest.approx(np.mean([-0.5, -0.25, -0.25, 0]))
    assert (row["cells"], row["no_ratio"], row["questions"], row["paper"]) == (4, 0, 4, -0.0712)
    assert (row["methods"], row["pools"], row["datasets"]) == ("debate, fusion", "one, two", "gsm8k")
    assert row["relative_low"] <= row["relative"] <= row["relative_high"]
    assert row["points_low"] < row["points"] < row["points_high"]
    assert isnan(row["undefended"])


def test_a_domain_without_a_dataset_says_so():
    row = pick(paper(UNDEFENDED), figure="drop", domain="safety")
    assert (row["paper"], row["cells"]) == (-0.0794, 0)
    assert isnan(row["relative"]) and isnan(row["points_low"])
    text = markdown(paper_view(paper(UNDEFENDED), Design(VALUE)))
    assert "| safety | none | −7.94 | – | – | – | – | 0 | the study has no dataset of this domain |" in text


def test_recovery_of_external_supervisors_controls_and_the_empty_place():
    table = paper([*UNDEFENDED, *DEFENDED])
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
    changes = {
        "pools": {**ONLY["pools"], "three": ["a", "x", "y"], "sham": ["a", "z"]},
        "placebos": ["z"],
        "attackers": {**ONLY["attackers"], "z": "sft"},
    }
    lines = [*UNDEFENDED, "three 0000", "sham 0000"]
    row = drop(lines, **changes)
    assert (row["pools"], row["cells"], row["points"]) == ("one, two", 4, -0.25)
    text = study_text({**ONLY, **changes}, paper(lines, **changes), cells(*lines).assign(reason=""))
    assert "or a placebo: three, sham." in text
    changes |= {"pools": {"clean": ["a", "b"], "three": ["a", "x", "y"]}, "controls": {}}
    assert drop(lines, **changes)["note"] == "the study has no pool with one attacker"


def test_one_external_supervisor_or_none():
    lines = [line for line in (*UNDEFENDED, *DEFENDED) if "judge" not in line]
    one = {"debate": ["none", "reward", "random"]}
    # The paper's figure is of both supervisors.
    assert isnan(pick(paper(lines, defences=one), defences="reward")["paper"])
    table = paper(lines, defences={"debate": ["none", "random"]})
    row = pick(table, defences="reward, judge")
    assert (row["paper"], row["note"]) == (0.9531, "the study has no external supervisor")
    assert pick(table, defences="random")["relative"] == 0.25


def test_a_clean_score_of_nothing_has_points_only():
    lines = ["clean 00", "one 10", "two 00"]
    row = drop([*lines, "clean fusion 11", "one fusion 10", "two fusion 11"])
    assert (row["cells"], row["no_ratio"]) == (4, 2)
    assert row["relative"] == pytest.approx(-0.25) and row["points"] == pytest.approx(0.0)
    row = drop(lines)
    assert isnan(row["relative"]) and isnan(row["relative_low"]) and row["points"] == 0.25


def test_unscored_questions_are_left_out_of_their_cell():
    row = drop(["clean 11-1", "one 0-11", "two 1111"])
    assert row["points"] == pytest.approx((-1 / 2 + 0) / 2) and row["questions"] == 3
    assert drop(["clean -", "one 1", "two 1"])["note"] == "no question was scored in every pool"


def test_a_defence_that_the_clean_pool_did_not_have():
    row = pick(paper([*UNDEFENDED, *(line for line in DEFENDED if "clean" not in line)]), defences="reward")
    assert row["relative"] == 0.75 and isnan(row["clean_defended"])


def test_datasets_and_seeds_have_the_same_weight():
    lines = [
        f"{pool} {seed} {score * 40}" for seed in (1, 2) for pool, score in (("clean", "1"), ("one", "0"), ("two", "0"))
    ]
    lines += [f"{pool} facts {seed} {'1' * 10}" for seed in (1, 2) for pool in ("clean", "one", "two")]
    table = paper(lines, levels={"debate": "text"}, domains=VALUE["domains"])
    row = pick(table, figure="drop", domain="all")
    assert (row["points"], row["questions"]) == (-0.5, 100)


def test_questions_are_resampled_jointly():
    # Both attacked pools fail the same questions: two cells tell no more than one.
    lost = np.random.default_rng(3).integers(0, 2, 200)
    changes = {"levels": {"debate": "text"}, "bootstrap": {"resamples": 4000, "confidence": 0.95}}
    hit, lines = ["".join(map(str, scores)) for scores in (lost, 1 - lost)], [f"clean {'1' * 200}"]
    row = drop([*lines, f"one {hit[1]}", f"two {hit[1]}"], **changes)
    theirs = stats.bootstrap((-lost,), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(1))
    low, high = theirs.confidence_interval
    assert (row["points_low"], row["points_high"]) == pytest.approx((low, high), abs=0.016)
    # And where they fail opposite ones, what one gains the other loses.
    row = drop([*lines, f"one {hit[1]}", f"two {hit[0]}"], **changes)
    assert (row["points_low"], row["points_high"]) == pytest.approx((-0.5, -0.5))


def test_differences_follow_from_the_design():
    value = {
        **ONLY,
        "models": {
            "a": {"kind": "toy_expert", "source": ""},
            "b": {"kind": "toy_expert", "source": ""},
            "j": {"kind": "hub", "source": "some/judge"},
        },
        "overlaps": [{"pool": "one", "defence": "judge", "reason": "j is a"}],
        "graded": {"j": ["facts"]},
    }
    text = study_text(value, paper(UNDEFENDED), cells(*UNDEFENDED).assign(reason=""))
    for line in examples("report/differences"):
        assert line in text


def test_answers_that_were_not_scored_are_counted():
    scores = cells("clean 1--", "one ---").assign(
        reason=["", "no torch", "no torch", "<tests>", "no torch", "no torch"]
    )
    lines = [line for line in study_text(ONLY, paper(UNDEFENDED), scores).splitlines() if "Not scored" in line]
    assert lines == [
        "- **Not scored, so in no figure**: 5 of 6 answers to gsm8k, to 3 of 3 test questions: "
        "no torch (4), \\<tests\\> (1)."
    ]
