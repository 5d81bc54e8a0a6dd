"""Bring the figures of a study into the documentation: `python docs/update.py results/demo demo`.

Copies the images, `malice.md`, `paper.md`, `cost.csv` and the averages of `impact.md` into docs/demo, and fills every
block

    <!-- results of demo: drops -->
    …
    <!-- end of results -->

of the README and the pages below docs/. What a block can show is in `BLOCKS`. Cells are those of the study's Markdown
tables (their rows over all datasets); only differences of two columns are computed, from the CSV files.
"""

import hashlib
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

DOCS = Path(__file__).parent
COPIED = ("tables/paper.md", "tables/malice.md", "tables/cost.csv", "figures/*.png")
TABLES = ("malice", "malice_by_seed", "alone", "impact", "mitigation", "supervisors", "refusals", "paper")
SIGNIFICANT = 0.05


def main(results: Path, name: str) -> None:
    """Copy what docs/`name` shows of `results`, and fill the blocks that name it on all pages."""
    folder = DOCS / name
    folder.mkdir(exist_ok=True)
    for pattern in COPIED:
        for file in sorted(results.glob(pattern)):
            shutil.copyfile(file, folder / file.name)
    impact = (results / "tables" / "impact.md").read_text(encoding="utf-8")
    (folder / "impact.md").write_text(impact.split("\n## By dataset")[0], encoding="utf-8")
    sums = [(hashlib.sha256((results / f"tables/{t}.md").read_bytes()).hexdigest(), t) for t in TABLES]
    (folder / "tables.sha256").write_text("".join(f"{digest}  {table}.md\n" for digest, table in sums))
    block = re.compile(
        rf"(<!-- results of {re.escape(name)}: (\w+)(?: (\w+))? -->\n).*?(<!-- end of results -->)", re.S
    )
    for page in [DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        filled = block.sub(lambda m: f"{m[1]}{BLOCKS[m[2]](results, *filter(None, [m[3]]))}\n{m[4]}", text)
        if filled != text:
            page.write_text(filled, encoding="utf-8")


def alone(results: Path) -> str:
    """Each attacker beside the member it is made from."""
    names = ["Attacker", "Made from", "n", "Replaced", "Attacker alone", "Drop, pp", "p"]
    heading = ("attacker", "made from", "answers", "that member, %", "attacker, %", "drop, points", "p")
    return _markdown(heading, _overall(results, "alone")[names].values.tolist())


def drops(results: Path) -> str:
    """What each attacker costs each method."""
    table = _overall(results, "impact")
    pools = list(dict.fromkeys(table["Pool"]))
    rows = []
    for method, part in table.groupby("Method", sort=False):
        cells = part.set_index("Pool").loc[pools]
        clean = next(cell for cell in cells["Clean"] if cell != "–")
        drop = [_strong(cell["Drop, pp"], cell["p"]) for _, cell in cells.iterrows()]
        rows.append((method, clean, _left_empty(results, method), *drop))
    return _markdown(("method", "clean, %", "place left empty", *pools), rows)


def malice(results: Path) -> str:
    """What each attacker costs each method beyond an empty place."""
    table = _overall(results, "malice")
    pools = list(dict.fromkeys(table["Pool"]))
    rows = []
    for method, part in table.groupby("Method", sort=False):
        cells = part.set_index("Pool")
        shown = [_strong(*cells.loc[pool, ["Malice, pp", "p"]]) if pool in cells.index else "n. a." for pool in pools]
        rows.append((method, part["Clean"].iloc[0], part["Vacancy, pp"].iloc[0], *shown))
    return _markdown(("method", "clean team, %", "vacancy", *pools), rows)


def defences(results: Path, method: str) -> str:
    """The attacked pools of a method under each defence, in brackets the clean pool under the same defence."""
    table = _overall(results, "mitigation")
    table = table[(table["Method"] == method) & (table["Net, pp"] != "not applicable")]
    named = list(dict.fromkeys(table["Defence"]))
    rows = []
    for pool, part in table.groupby("Pool", sort=False):
        first, cells = part.iloc[0], part.set_index("Defence").loc[named]
        shown = [_strong(f"{c['Defended']} ({c['Clean defended']})", c["p"], _wins(c)) for _, c in cells.iterrows()]
        rows.append((pool, f"{first['Attacked']} ({first['Clean']})", *shown, first["Empty"]))
    return _markdown(("pool", "undefended", *named, "empty"), rows)


def caught(results: Path) -> str:
    """How often each supervisor masked an attacker, of how many decisions; methods with the same figures share a row."""
    table = _overall(results, "supervisors")
    table = table[(table["Decisions"] != "–") & (table["Supervisor"] != "oracle")]
    named = list(dict.fromkeys(table["Supervisor"]))
    methods: dict[tuple[str, ...], list[str]] = {}
    for (method, pool), part in table.groupby(["Method", "Pool"], sort=False):
        cells = {c["Supervisor"]: f"{c['Caught']} of {c['Decisions']}" for _, c in part.iterrows()}
        figures = (pool, part["Chance"].iloc[0], *(cells.get(name, "–") for name in named))
        methods.setdefault(figures, []).append(method)
    rows = [(", ".join(names), *figures) for figures, names in methods.items()]
    return _markdown(("methods", "pool", "chance, %", *named), rows)


def declined(results: Path) -> str:
    """How many texts of each undefended team decline to answer."""
    table = _overall(results, "refusals")
    table = table[(table["Defence"] == "none") & (table["Method"] != "(alone)")]
    pools = list(dict.fromkeys(table["Pool or member"]))
    rows = []
    for method, part in table.groupby("Method", sort=False):
        cells = part.set_index("Pool or member")["Declined"]
        rows.append((method, *(cells.get(pool, "–").split()[0] for pool in pools)))
    return _markdown(("method", *pools), rows)


BLOCKS = {block.__name__: block for block in (alone, malice, drops, defences, caught, declined)}


def _overall(results: Path, table: str) -> pd.DataFrame:
    """The cells of a Markdown table's rows over all datasets, without averages over methods."""
    text = (results / "tables" / f"{table}.md").read_text(encoding="utf-8")
    section = text.split("## Over datasets\n")[1].split("\n## ")[0]
    heading, _, *rows = [line[2:-2].split(" | ") for line in section.splitlines() if line.startswith("|")]
    cells = pd.DataFrame(rows, columns=heading)
    cells = cells[cells["Dataset"] == "all"] if "Dataset" in cells else cells
    return cells[~cells["Method"].str.startswith("all ")] if "Method" in cells else cells


def _figures(results: Path, table: str) -> pd.DataFrame:
    """The rows of a CSV table over all datasets."""
    rows = pd.read_csv(results / "tables" / f"{table}.csv")
    return rows[(rows["dataset"] == "all") & (rows["domain"] == "all")]


def _left_empty(results: Path, method: str) -> str:
    """What the attackers' empty places cost `method`, in points; several where pools have several attackers."""
    rows = _figures(results, "impact").query("method == @method").dropna(subset=["empty"])
    costs = (100 * (rows["clean"] - rows["empty"])).round(1) + 0.0
    return " / ".join(f"{cost:.1f}".replace("-", "−") for cost in dict.fromkeys(costs))


def _strong(text: str, p: str, wins: bool = True) -> str:
    """`text`, in bold where p is significant and `wins` holds; "n. a." where there is no p."""
    if p == "–":
        return "n. a."
    return f"**{text}**" if wins and float(p.lstrip("<")) < SIGNIFICANT else text


def _wins(cell: pd.Series) -> bool:
    """Whether the attacked pool gains from a defence, and more than the clean pool does (by the net gain's interval)."""
    low = cell["Net, pp"].partition("[")[2].partition(",")[0].replace("−", "-")
    return float(cell["Defended"]) > float(cell["Attacked"]) and bool(low) and float(low) > 0


def _markdown(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose first column is names and the rest figures."""
    lines = [heading, ("---", *["---:"] * (len(heading) - 1)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
