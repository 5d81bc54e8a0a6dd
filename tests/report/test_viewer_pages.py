"""The viewer's pages in a real browser, opened from file://: no error, no request, and nothing of a model's text runs."""

import csv
import json
import os
import shutil
from pathlib import Path

import pytest

import viewed
from amongus.report.viewer import PAGES
from amongus.report.viewer.data_script import data_script

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed (make chromium)")]
CELL = "#/cell/debate/evil"


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        # Without Chromium's own sandbox, which root may not use.
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The folder in which the study and its viewer are."""
    before, folder = os.getcwd(), tmp_path_factory.mktemp("pages")
    os.chdir(folder)
    try:
        viewed.build()
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def page(browser, home):
    """A page whose errors and requests fail the test."""
    opened, faults = browser.new_page(viewport={"width": 1280, "height": 900}), []
    opened.set_default_timeout(60_000)
    opened.on("console", lambda message: faults.append(message.text))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    folder = f"file://{home}/results/tiny/viewer/"
    opened.on("request", lambda request: request.url.startswith("file://") or faults.append(request.url))
    opened.folder = folder
    yield opened
    assert opened.evaluate("globalThis.hacked") is None
    opened.close()
    assert faults == []


def show(page, address=""):
    page.goto(f"{page.folder}index.html{address}")
    page.wait_for_selector("h2")


def questions(page):
    return page.locator(".list tbody tr")


def test_from_the_heat_map_to_a_turned_question_in_three_clicks(page):
    show(page)
    page.click("table.heat td a")
    page.click("#is-wrong")
    page.click(".list tbody a")
    page.wait_for_selector(".sides")
    assert page.locator(".side h3").all_inner_texts() == ["Clean", "Attacked", "Defended by reward"]
    assert [text.split(",")[0] for text in page.locator(".final > div:first-child").all_inner_texts()] == [
        "Final answer: right",
        "Final answer: wrong",
        "Final answer: wrong",
    ]
    assert page.locator(".side").nth(2).locator(".masked .text").count() == 1


def test_counts_and_means_are_the_tables(page, home):
    show(page, CELL)
    with open(home / "impact.csv", newline="") as file:
        rows = {(row["dataset"], row["domain"]): row for row in csv.DictReader(file) if row["method"] == "debate"}
    shown = [line.split("\t") for line in page.locator("#summary tbody tr").all_inner_texts()]
    for line, place in zip(shown, [("sums", "reasoning"), ("facts", "knowledge"), ("all", "all")], strict=True):
        row = rows[place]
        means = [f"{100 * float(row[name]):.1f}" for name in ("clean", "score", "drop")]
        assert [line[1], line[2], line[3], line[6]] == [row["n"], *means]
    # Scores are 0 or 1: a drop is what turned wrong, less what turned right, of the pairs.
    assert (int(shown[0][4]) - int(shown[0][5])) / int(shown[0][1]) == pytest.approx(
        float(rows["sums", "reasoning"]["drop"])
    )
    wanted = {"caught": "x", "benign": "a"}
    for name, member in wanted.items():
        count = sum(
            viewed.masked("evil", "reward", number) == member
            for size in viewed.COUNTS.values()
            for number in range(size)
        ) * len(viewed.SEEDS)
        assert page.inner_text(f"[data-count={name}]") == str(count)
        page.click(f"#is-{name}")
        expect(questions(page)).to_have_count(count)
        page.click(f"#is-{name}")
        expect(questions(page)).to_have_count(26)


def test_filters_sorting_search_and_a_link_to_them(page):
    show(page, CELL)
    page.select_option("#dataset", "facts")
    page.select_option("#seed", "2")
    expect(questions(page)).to_have_count(5)
    page.click(".list thead th:nth-child(5) button")
    assert page.get_attribute(".list thead th:nth-child(5)", "aria-sort") == "ascending"
    scores = page.locator(".list tbody td:nth-child(5)").all_inner_texts()
    assert sorted(scores[1:], key=lambda text: text != "wrong") == scores[1:] or scores[-1] == "not scored"
    page.keyboard.press("/")
    page.keyboard.type("facts/test/3")
    expect(questions(page)).to_have_count(1)
    link = page.url
    show(page)
    page.goto(link)
    page.wait_for_selector(".list")
    assert questions(page).count() == 1 and page.input_value("#find") == "facts/test/3"
    assert page.input_value("#seed") == "2"


def test_keys_go_through_the_chosen_questions(page):
    show(page, f"{CELL}?is=wrong&dataset=sums&seed=1")
    names = page.locator(".list tbody a").all_inner_texts()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.innerText") == names[0]
    page.keyboard.press("Enter")
    page.wait_for_selector(".sides")
    for key, place in (("", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key) if key else None
        expect(page.locator(".bar .faint")).to_have_text(f"{place} of {len(names)}")


def test_hostile_texts_are_text(page):
    for number, text in enumerate(viewed.HOSTILE):
        show(page, f"#/question/debate/evil/{number}?defence=reward")
        page.reload()
        page.wait_for_selector(".sides")
        prompt = page.locator("main > .text").first.inner_text()
        for plain in ("<script>", "</script>", "onerror=", "{{constructor", "${globalThis"):
            assert (plain in prompt) == (plain in text), (number, plain)
        for hidden, spelled in (("\u202e", "\\u202e"), ("\x1b", "\\x1b"), ("\u2028", "\\u2028"), ("\u200b", "\\u200b")):
            assert hidden not in page.inner_text("body")
            assert (spelled in prompt) == (hidden in text), (number, spelled)
        assert page.locator("main script, main img").count() == 0
    show(page, "#/question/debate/evil/5?defence=reward")
    page.reload()
    button = page.locator("main > .text button").first
    assert len(page.locator("main > .text").first.inner_text()) < 5_000
    button.click()
    assert len(page.locator("main > .text").first.inner_text()) > 1_000_000


def test_a_question_as_markdown(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    show(page, "#/question/debate/evil/3?defence=reward")
    page.click("#copy")
    expect(page.locator("#status")).not_to_be_empty()
    boxes = page.locator("textarea")
    copied = boxes.first.input_value() if boxes.count() else page.evaluate("navigator.clipboard.readText()")
    assert "## Attacked: wrong" in copied and "````" not in copied.split("## Clean")[0].replace("```text", "")
    assert "Round 1, x (attacker, sft), refine:" in copied


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ["", CELL, "#/question/debate/evil/4?defence=reward", "#/members", "#/costs"])
def test_nothing_is_wider_than_a_phone(page, address, scheme):
    page.set_viewport_size({"width": 390, "height": 800})
    page.emulate_media(color_scheme=scheme)
    show(page, address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("table th[scope=col]").count() == page.locator("thead th").count() > 0
    unnamed = "[...document.querySelectorAll('select, input')].filter((one) => !one.labels.length).length"
    assert page.evaluate(unnamed) == 0


def test_what_is_not_there_is_one_line(page):
    for address in ("#/cell/soup/evil", "#/cell/__proto__/evil", "#/question/debate/evil/999"):
        show(page, address)
        page.reload()
        page.wait_for_selector("h2")
        assert page.inner_text("h2") == "Nothing to show"


def test_a_cell_of_200_000_questions_opens_in_two_seconds(page, home, tmp_path):
    """Script time as Chromium counts it, for a cell whose questions are as many as those of a large study."""
    count, source = 200_000, home / "results" / "tiny" / "viewer"
    shutil.copytree(source, tmp_path / "viewer")
    data = tmp_path / "viewer" / "data"
    text = (data / "overview.js").read_text()
    _, study = json.loads(f"[{text[len('amongus(') : -3]}]")
    study["blocks"] = [{"seed": 1, "dataset": "sums", "n": count}]
    (data / "overview.js").write_text(data_script("overview", study))
    for pool, defences in viewed.DEFENCES.items():
        columns = [
            {
                "defence": one,
                "score": [int(number % (3 if pool == "evil" else 7) > 0) for number in range(count)],
                "masked": [number % 3 - 1 for number in range(count)],
                "flags": [2] * count,
            }
            for one in defences
        ]
        (data / "teams" / f"debate.{pool}.js").write_text(data_script(f"teams/debate.{pool}", columns))
    heads = {
        "ids": [f"sums/test/{number}" for number in range(count)],
        "prompts": [f"What is {number} + {number}? " + "Think step by step. " * 6 for number in range(count)],
    }
    (data / "heads" / "1.sums.js").write_text(data_script("heads/1.sums", heads))
    page.folder = f"file://{tmp_path}/viewer/"
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    show(page, CELL)
    page.wait_for_selector(".list")
    spent = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    assert page.inner_text("#found") == "200,000 questions"
    assert spent["ScriptDuration"] < 2, spent
    page.click("#is-wrong")
    expect(page.locator("#found")).to_have_text("57,143 questions")


def test_the_pages_name_no_address():
    """Nothing to be requested, and no way to make markup of text, in the pages' sources."""
    for source in Path(PAGES).iterdir():
        text = source.read_text(encoding="utf-8")
        for word in (
            "http:",
            "https:",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "url(",
        ):
            assert word not in text, (source, word)
