"""Put a study's figures where readers look first: full tables into docs/{study}, compact ones into a Markdown file.

`python docs/update.py results/demo README.md` replaces what stands between the lines `<!-- results of demo -->` and
`<!-- end of results -->`. Names of methods behind it choose whose defences are shown there; without any, all.
Nothing is computed anew: every figure is one of the study's tables'.
"""

import shutil
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import pandas as pd

COPIED = ("tables/*.md", "tables/cost.csv", "figures/*.png")
SIGNIFICANT = 0.05
CONTROLS = ("random", "oracle")


def main(results: Path, page: Path, methods: Collection[str] = ()) -> None:
    """Copy the tables and figures of `results`, and write its compact tables into `page`; defences of `methods` or all."""
    folder = Path(__file__).parent / results.name
    folder.mkdir(exist_ok=True)
    for pattern in COPIED:
        for file in sorted(results.glob(pattern)):
            shutil.copyfile(file, folder / file.name)
    tables = {
        name: pd.read_csv(results / "tables" / f"{name}.csv") for name in ("alone", "impact", "mitigation")
    }
    defended = tables["mitigation"]
    if methods:
        defended = defended[defended["method"].isin(methods)]
    compact = "\n\n".join([alone(tables["alone"]), drops(tables["impact"]), *defences(defended)])
    begin, end = f"<!-- results of {results.name} -->", "<!-- end of results -->"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    page.write_text(f"{before}{begin}\n{compact}\n{end}{rest.split(end, 1)[1]}", encoding="utf-8")


def alone(table: pd.DataFrame) -> str:
    """Each attacker beside the member it is made from."""
    rows = [
        (
            row.attacker,
            row.replaces,
            per_cent(row.replaced),
            per_cent(row.score),
            points(row, "drop"),
            p(row.p_value),
        )
        for row in overall(table).itertuples()
    ]
    heading = ("attacker", "made from", "that member, %", "attacker alone, %", "drop, points", "p")
    return "**Each attacker alone** (test questions)\n\n" + markdown(heading, rows)


def drops(table: pd.DataFrame) -> str:
    """What each attacker costs each method."""
    table = overall(table)
    pools = list(dict.fromkeys(table["pool"]))
    rows = []
    for method, part in table[table["method"] != "all"].groupby("method", sort=False):
        cells = part.set_index("pool").loc[pools]
        known = cells[cells["applicable"]].iloc[0]
        drop = [
            strong(points(row, "drop"), row.p_value) if row.applicable else "n. a."
            for row in cells.itertuples()
        ]
        empty = (100 * (known["clean"] - cells["empty"].dropna())).round(1).astype(str).unique()
        rows.append((method, per_cent(known["clean"]), " / ".join(empty), *drop))
    heading = ("method", "clean, %", "place left empty", *pools)
    note = "(drop from the clean pool in points; bold where p < 0.05; n. a.: no weights to merge)"
    return f"**What each costs the team** {note}\n\n" + markdown(heading, rows)


def defences(table: pd.DataFrame) -> Iterator[str]:
    """What each defence wins back, a table per method that is defended."""
    table = overall(table)
    table = table[table["score"].notna() & (table["method"] != "all")]
    for method, part in table.groupby("method", sort=False):
        named = list(dict.fromkeys(part["defence"]))
        rows = []
        for pool, cells in part.groupby("pool", sort=False):
            first = cells.iloc[0]
            scores = cells.set_index("defence").loc[named]
            shown = [
                strong(f"{per_cent(row.score)} ({per_cent(row.clean_defended)})", row.p_value)
                for row in scores.itertuples()
            ]
            undefended = f"{per_cent(first['attacked'])} ({per_cent(first['clean'])})"
            rows.append((pool, undefended, *shown, per_cent(first["empty"])))
        note = "(attacked pool in %, in brackets the clean pool under the same defence; bold where p < 0.05)"
        yield f"**Defences in `{method}`** {note}\n\n" + markdown(
            ("pool", "undefended", *named, "empty"), rows
        )


def overall(table: pd.DataFrame) -> pd.DataFrame:
    """The rows over all datasets."""
    return table[(table["dataset"] == "all") & (table["domain"] == "all")]


def per_cent(share: float) -> str:
    """A share in per cent."""
    return "–" if pd.isna(share) else f"{100 * share:.1f}"


def points(row: object, column: str) -> str:
    """A difference of shares in points, with its interval."""
    value, low, high = (100 * getattr(row, f"{column}{end}") for end in ("", "_low", "_high"))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]".replace("-", "−")


def p(value: float) -> str:
    """A p-value."""
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def strong(text: str, value: float) -> str:
    """`text`, in bold where its p-value is significant."""
    return f"**{text}**" if value < SIGNIFICANT else text


def markdown(heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table whose first column is names and the rest figures."""
    lines = [heading, ("---", *["---:"] * (len(heading) - 1)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
