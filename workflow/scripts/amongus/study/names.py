"""Names that mean something to every study, and the form that all others have."""

CLEAN = "clean"
"""The pool without attackers."""
EMPTY = "empty"
"""The control of an attacked pool: the pool without its attackers."""
ALL = "all"
"""What the tables call averages."""
UNDEFENDED = "none"
BENIGN = "benign"
SPLITS = ("dev", "test")
TABLES = ("malice", "malice_by_seed", "alone", "impact", "mitigation", "supervisors", "refusals", "paper", "cost")
FIGURES = ("impact", "mitigation", "supervisors")
NAME = "[A-Za-z0-9][A-Za-z0-9_-]*"
"""The form of names, which become names of files and folders."""
STORE = "results/store"
"""The store of a study that names none."""
