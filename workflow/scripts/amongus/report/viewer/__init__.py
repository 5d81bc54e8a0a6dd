"""The viewer: static pages that lead from a drop to the question, the answers and the messages behind it.

Data are classic scripts, each of which hands one value to the page (`data_script`), because a page that is opened from
file:// can load scripts and nothing else. A page loads what it shows: figures (`overview`), a team's scores (`teams`), and
the texts of a chunk of questions.
"""

import hashlib

from amongus.study.code_digest import SCRIPTS, code_digest

TABLES = ("malice", "impact", "mitigation", "supervisors", "alone", "cost")
"""The tables whose figures the pages show."""
PAGES = SCRIPTS.parents[1] / "resources" / "viewer"
"""The folder of the pages, which are copied as they are."""


def viewer_digest() -> str:
    """A digest of what makes the viewer: its code and its pages."""
    whole = hashlib.sha256(code_digest("viewer").encode())
    for page in sorted(PAGES.iterdir()):
        whole.update(f"{page.name}\0".encode() + page.read_bytes())
    return whole.hexdigest()[:16]
