"""The pages: what they link to and the targets they name exist, and the blocks of results hold what they should."""

import importlib.util
import re

import pytest

from checkout import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "config" / "README.md", *(ROOT / "docs").rglob("*.md")]
update = importlib.util.module_from_spec(importlib.util.spec_from_file_location("update", ROOT / "docs" / "update.py"))
update.__spec__.loader.exec_module(update)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_exists(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_make_targets_that_a_page_names_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:`|^    )make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) <= targets


def test_the_front_page_stays_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def table(heading, *rows):
    lines = [heading, ["---"] * len(heading), *rows]
    return "## Over datasets\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n\n## By dataset\n"


def test_cells_are_the_tables_own_and_differences_those_of_the_csv_files(tmp_path):
    tables = tmp_path / "tables"
    tables.mkdir()
    heading = ["Method", "Pool", "Dataset", "n", "Clean", "Empty", "Attacked", "Drop, pp", "p"]
    rows = [
        ["debate", "sft", "all", "9", "90.0", "85.0", "80.0", "10.0 [5.0, 15.0]", "<0.001"],
        ["debate", "grpo", "all", "9", "90.0", "85.0", "91.0", "−1.0 [−3.0, 1.0]", "0.300"],
        ["soup", "sft", "all", "9", "70.0", "70.0", "68.0", "2.0 [0.0, 4.0]", "0.050"],
        ["soup", "grpo", "all", "–", "–", "–", "–", "not applicable", "–"],
        ["all methods", "sft", "all", "9", "80.0", "77.5", "74.0", "6.0 [2.0, 9.0]", "0.001"],
    ]
    (tables / "impact.md").write_text(table(heading, *rows))
    (tables / "impact.csv").write_text(
        "method,pool,dataset,domain,clean,empty\n"
        "debate,sft,all,all,0.9,0.8504\ndebate,grpo,all,all,0.9,0.8504\n"
        "debate,sft,toy,toy,0.5,0.1\nsoup,sft,all,all,0.7,0.701\nsoup,grpo,all,all,,\n"
    )
    assert update.drops(tmp_path).splitlines() == [
        "| method | clean, % | place left empty | sft | grpo |",
        "| --- | ---: | ---: | ---: | ---: |",
        "| debate | 90.0 | 5.0 | **10.0 [5.0, 15.0]** | −1.0 [−3.0, 1.0] |",
        "| soup | 70.0 | −0.1 | 2.0 [0.0, 4.0] | n. a. |",
    ]
