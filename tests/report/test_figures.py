"""Pictures and reader's tables of a small study, and the scripts that write them."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import scored
from amongus.core.tables import RESPONSES, RUN_SCORES, RUNS, SCORES, write_table
from amongus.report import figures
from amongus.report.cost_sidecars import write_cost
from amongus.report.render import csv_text, markdown
from amongus.report.scores import Design
from amongus.report.tables.alone import ALONE
from amongus.report.tables.cost import COST
from amongus.report.tables.impact import IMPACT, impact_view
from amongus.report.tables.malice import MALICE
from amongus.report.tables.malice_by_seed import BY_SEED
from amongus.report.tables.mitigation import MITIGATION
from amongus.report.tables.paper import HEADLINE
from amongus.report.tables.refusals import REFUSALS
from amongus.report.tables.supervisors import SUPERVISORS
from standins import Named, outputs, run

pytestmark = pytest.mark.filterwarnings("error")

DEFENCES = ["none", "self", "reward", "random", "oracle"]
VALUE = {
    **scored.VALUE,
    "pools": {"clean": ["a", "b", "c"], "$evil_1": ["a", "b", "$x"], "empty": ["a", "b"]},
    "attackers": {"$x": "prompt"},
    "replaces": {"$x": "c"},
    "controls": {"$evil_1": "empty"},
    "levels": {"llm_router": "api", "debate": "text", "soup": "weight"},
    "domains": {"sums": "reasoning", "facts": "knowledge"},
    "defences": {"llm_router": DEFENCES, "debate": DEFENCES, "soup": ["none"]},
    "applicable": {"$evil_1": {"soup": False}},
    "bootstrap": {"resamples": 200, "confidence": 0.95},
    "kinds": {"methods": {}, "datasets": {"sums": "gsm8k", "facts": "facts"}},
}
DESIGN = Design(VALUE)
CASES = {"impact": IMPACT, "mitigation": MITIGATION, "supervisors": SUPERVISORS}
PRIMARY = {"malice": MALICE, "malice_by_seed": BY_SEED}
TABLES = {**CASES, **PRIMARY, "alone": ALONE, "refusals": REFUSALS, "paper": HEADLINE, "cost": COST}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a study of random scores, its tables written by the scripts."""
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(0)
    ids = [str(i) for i in range(20)]
    cells, scores, runs = [], [], []
    for seed, pool, method, defence, dataset in product(
        [1, 2], VALUE["pools"], VALUE["levels"], DEFENCES, VALUE["domains"]
    ):
        planned = defence in VALUE["defences"][method] and (defence == "none" or pool != "empty")
        if not planned or (pool, method) in DESIGN.inapplicable:
            continue
        cells.append({"seed": seed, "pool": pool, "method": method, "dataset": dataset})
        under = {"defence": [defence] * 20, "id": ids}
        for files, kind in ((scores, "scores"), (runs, "runs")):
            files.append(folder / kind / f"{len(cells)}.parquet")
        graded = rng.integers(0, 2, 20).astype(float)
        write_table(scores[-1], {**under, "score": graded, "reason": [""] * 20}, RUN_SCORES)
        members = VALUE["pools"][pool]
        table = {name: [""] * 20 for name in ("text", "chosen")} | {**under, "candidates": [members] * 20}
        masked = list(rng.choice(members, 20)) if defence != "none" else [None] * 20
        write_table(runs[-1], {**table, "masked": masked, "unreadable": [False] * 20}, RUNS)
    labels, responses, texts = [], [], []
    for seed, member, dataset in product([1, 2], ["a", "b", "c", "$x"], VALUE["domains"]):
        labels.append({"seed": seed, "member": member, "dataset": dataset, "split": "test"})
        for files, kind in ((responses, "own"), (texts, "responses")):
            files.append(folder / kind / f"{len(labels)}.parquet")
        graded = rng.integers(0, 2, 20).astype(float)
        write_table(responses[-1], {"id": ids, "score": graded, "reason": [""] * 20}, SCORES)
        answers = {"id": ids, "text": ["I don't know."] * 20, "n_tokens": [4] * 20, "stop_reason": ["stop"] * 20}
        write_table(texts[-1], answers, RESPONSES)
    write_cost(folder / "cost" / "a.json", "respond", {"model_loads": 1, "seconds": 2.5})
    sidecars = [folder / "cost" / "a.json"]
    inputs = Named(scores=scores, runs=runs, responses=texts, response_scores=responses, sidecars=sidecars)
    for name in TABLES:
        params = {"teams": cells, "members": labels, "design": VALUE}
        run("table", inputs, outputs(folder / name), {"table": name}, **params)
    return folder


@pytest.mark.parametrize(("name", "columns"), TABLES.items())
def test_scripts_write_tables_that_read_back(made, name, columns):
    heading, *rows = (made / f"{name}.csv").read_text().splitlines()
    assert heading.split(",") == columns and rows
    if name in CASES:
        table = figures.read(made / f"{name}.csv")
        figure = [column for column in columns if column.endswith(("_low", "_high", "_value")) or column == "n"]
        assert table[figure].dtypes.eq(float).all() and set(table["pool"]) >= {"$evil_1"}
    text = (made / f"{name}.md").read_text()
    assert text.startswith("# ") and (text.count("\n## This study") == 1) == (name == "paper")
    assert (made / f"{name}.tex").read_text().count(r"\begin{longtable}") == (1 if name in (*PRIMARY, "cost") else 2)


def test_reader_tables_say_what_was_not_run(made):
    text = (made / "impact.md").read_text()
    assert text.count("| not applicable | – |") == 3
    assert "| soup | \\$evil_1 | all | – | – | – | – | not applicable | – |" in text
    assert "not applicable" in (made / "impact.tex").read_text()
    assert "| all methods | \\$evil_1 | all |" in text
    text = (made / "refusals.md").read_text()
    assert "| (alone) | \\$x | none | sums | 40 |" in text and "| debate | \\$evil_1 | self | sums | 40 |" in text
    assert "| respond | 1 | 1 | 0 | 0 | 0 | 0 | 2.5 |" in (made / "cost.md").read_text()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", ["png", "svg"])
def test_figures_repeat_to_the_byte(made, tmp_path, name, kind):
    paths = [tmp_path / f"{i}.{kind}" for i in range(2)]
    inputs = Named(table=made / f"{name}.csv", manifest=made / f"{name}.manifest.json")
    for path in paths:
        run("figure", inputs, Named(figure=path), {"figure": name}, design=VALUE)
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert first.startswith(b"\x89PNG" if kind == "png" else b"<?xml")
    assert b"Date" not in first and b"date" not in first


@pytest.mark.parametrize(("name", "columns"), CASES.items())
def test_a_study_with_nothing_to_show_has_a_figure(tmp_path, name, columns):
    (tmp_path / "t.csv").write_text(csv_text(pd.DataFrame(columns=columns)))
    figures.draw(name, figures.read(tmp_path / "t.csv"), DESIGN, tmp_path / "f.png")
    assert (tmp_path / "f.png").stat().st_size > 1000


@pytest.fixture
def drawn(made, tmp_path, monkeypatch):
    """A function that draws a table's picture and returns it."""

    def draw(name, design=DESIGN):
        saved = []
        monkeypatch.setattr(Figure, "savefig", lambda figure, *args, **kwargs: saved.append(figure))
        figures.draw(name, figures.read(made / f"{name}.csv"), design, tmp_path / "f.png")
        return saved[0]

    return draw


def test_impact_figure_shows_the_tables_figures(made, drawn):
    table = figures.read(made / "impact.csv")
    (axes,) = drawn("impact").axes
    assert axes.get_title(loc="left") == "$evil_1"
    row = table[(table["method"] == "debate") & (table["domain"] == "all")].iloc[0]
    points = [tuple(line.get_xydata()[0]) for line in axes.lines if len(line.get_xydata()) == 1]
    assert (pytest.approx(100 * row["drop"]), 1.0) in points
    assert (pytest.approx(100 * (row["clean"] - row["empty"])), 1.0) in points
    assert [text.get_text() for text in axes.texts] == ["not applicable"]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["llm_router", "debate", "soup", "all methods"]


def test_names_like_missing_values_are_names(tmp_path):
    (tmp_path / "t.csv").write_text("pool,drop\nNA,0.5\nnull,\n")
    table = figures.read(tmp_path / "t.csv")
    assert table["pool"].tolist() == ["NA", "null"]
    assert table["drop"].isna().tolist() == [False, True]


def test_views_format_figures():
    names = {"level": "text", "method": "all", "pool": "p", "dataset": "all", "domain": "safety"}
    row = dict.fromkeys(IMPACT, 0.0) | names | {"n": 9, "clean": 0.5, "empty": float("nan")}
    row |= {"drop": -0.0712, "drop_low": -0.1, "drop_high": -0.0001, "p_value": 0.0004, "applicable": True}
    text = markdown(impact_view(pd.DataFrame([row]), DESIGN))
    assert "| all text | p | all safety | 9 | 50.0 | – | 0.0 | −7.1 [−10.0, 0.0] | <0.001 |" in text
    assert "95 % interval" in text


@pytest.mark.parametrize("name", ["mitigation", "supervisors"])
def test_pools_that_a_method_cannot_work_with_are_marked(drawn, name):
    figure = drawn(name, Design({**VALUE, "applicable": {"$evil_1": {"debate": False}}}))
    marked = {axes.get_title(loc="left"): [text.get_text() for text in axes.texts] for axes in figure.axes}
    assert {title: texts for title, texts in marked.items() if texts} == {"debate": ["not applicable"]}
