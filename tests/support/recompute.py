"""The primary figures from the score files alone. Shares no code with the package: an independent check of its tables.

    python tests/support/recompute.py results/demo

compares `tables/malice.csv` and `tables/malice_by_seed.csv` with what it computes from `seed-*/scores/runs`. Values of
t and z are scipy's, everything else is written out, a loop at a time.
"""

import csv
import math
import sys
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq
from scipy.stats import t as student


def scores(results, pool, method):
    """(dataset, seed, question) -> undefended score, where there is one."""
    found = {}
    for path in results.glob(f"seed-*/scores/runs/{pool}/{method}/*.parquet"):
        seed = path.parts[-6].removeprefix("seed-")
        for row in pq.read_table(path).to_pylist():
            if row["defence"] == "none" and row["score"] is not None and not math.isnan(row["score"]):
                found[path.stem, seed, row["id"]] = row["score"]
    return found


def average(values):
    """The plain mean."""
    values = list(values)
    return sum(values) / len(values)


def by(pairs, *places):
    """The values of `pairs`, in groups of the same parts of their keys."""
    groups = defaultdict(list)
    for key, value in pairs.items():
        groups[tuple(key[place] for place in places)].append(value)
    return groups


def over_datasets(pairs):
    """The mean over datasets of the same weight."""
    return average(average(values) for values in by(pairs, 0).values())


def questions(pairs, level):
    """Adjusted Wald over questions: centre and half width of the interval, and the p-value of 0."""
    datasets = sorted({key[0] for key in pairs})
    centre = variance = denominator = 0.0
    for dataset in datasets:
        own = by({key: value for key, value in pairs.items() if key[0] == dataset}, 2).values()
        sums, sizes = [sum(one) for one in own], [len(one) for one in own]
        usual = average(sizes)
        units = [(1.0, s, n) for s, n in zip(sums, sizes, strict=True)]
        units += [(0.5, usual, usual), (0.5, -usual, usual), (1.0, 0.0, usual)]
        total = sum(w * n for w, _, n in units)
        mean = sum(w * s for w, s, _ in units) / total
        part = sum(w * (s - mean * n) ** 2 for w, s, n in units) / total**2 / len(datasets) ** 2
        centre += mean / len(datasets)
        variance += part
        denominator += part**2 / (len(sums) + 1)
    freedom, error = variance**2 / denominator, math.sqrt(variance)
    return centre, student.ppf(1 - level / 2, freedom) * error, 2 * student.sf(abs(centre) / error, freedom)


def differences(results):
    """Column -> table -> what differs from the recomputed figures, empty if all is well."""
    wrong = []
    with open(results / "tables" / "malice.csv") as file:
        rows = list(csv.DictReader(file))
    with open(results / "tables" / "malice_by_seed.csv") as file:
        seeds = {(row["method"], row["pool"], row["seed"]): row for row in csv.DictReader(file)}
    controls = {row["pool"]: control(results, row["pool"]) for row in rows}
    for row in rows:
        pools = {"clean": "clean", "empty": controls[row["pool"]], "score": row["pool"]}
        cells = {role: scores(results, pool, row["method"]) for role, pool in pools.items()}
        shared = set.intersection(*(set(cell) for cell in cells.values()))
        cells = {role: {key: cell[key] for key in shared} for role, cell in cells.items()}
        expected = {role: over_datasets(cell) for role, cell in cells.items()}
        pairs = {key: cells["empty"][key] - cells["score"][key] for key in shared}
        centre, half, p_value = questions(pairs, 0.05 / len(rows))
        expected |= {"malice": over_datasets(pairs), "malice_low": centre - half, "malice_high": centre + half}
        expected |= {"p_value": p_value, "n": len(shared)}
        wrong += [(row["method"], row["pool"], *one) for one in compared(row, expected)]
        for seed in {key[1] for key in shared}:
            own = {key: value for key, value in pairs.items() if key[1] == seed}
            found = compared(seeds[row["method"], row["pool"], seed], {"malice": over_datasets(own), "n": len(own)})
            wrong += [(row["method"], row["pool"], seed, *one) for one in found]
    return wrong


def control(results, pool):
    """The pool without the attackers of `pool`: of its own, or the one that pools share."""
    own = f"empty-{pool}"
    return own if any(results.glob(f"seed-*/scores/runs/{own}")) else "empty"


def compared(row, expected):
    """(column, found, expected) where they differ by more than rounding."""
    return [
        (name, row[name], value)
        for name, value in expected.items()
        if not math.isclose(float(row[name]), value, rel_tol=1e-4, abs_tol=1e-6)
    ]


if __name__ == "__main__":
    found = differences(Path(sys.argv[1]))
    print("\n".join(map(str, found)) or "all figures agree")
    sys.exit(bool(found))
