"""What a table's module gives."""

from dataclasses import dataclass

import pandas as pd

from amongus.report.render import View


@dataclass(frozen=True)
class Built:
    """A table, how readers see it, and Markdown that follows it."""

    table: pd.DataFrame
    view: View
    notes: str = ""
