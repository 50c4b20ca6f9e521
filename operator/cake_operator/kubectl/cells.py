"""What stands in the cells of tables: text that a terminal cannot take for anything else, ages, colours by meaning."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from rich.table import Table
from rich.text import Text

__all__ = ["age", "cell", "table"]

# None is open: neither well nor not.
STYLES: Final = {True: "green", False: "bold red", None: "yellow"}
LEAST_COLUMNS: Final = 24
_UNITS: Final = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def cell(value: Any, *, style: str = "") -> Text:
    """A value as text. It comes from the cluster, where users wrote it: nothing in it is an escape or markup."""
    text = "-" if value is None or value == "" else str(value)
    return Text("".join(one if one.isprintable() else " " for one in text), style=style)


def age(moment: str | None, now: datetime) -> str:
    """How long ago a moment was, as kubectl has it.

    >>> from datetime import UTC
    >>> age("2026-01-01T00:00:00Z", datetime(2026, 1, 1, 0, 3, 20, tzinfo=UTC))
    '3m'
    """
    if not moment:
        return "-"
    seconds = max(0, int((now - datetime.fromisoformat(moment)).total_seconds()))
    return next((f"{seconds // length}{unit}" for unit, length in _UNITS if seconds >= length), "0s")


def table(*columns: str, rows: Sequence[Sequence[Text]]) -> Table:
    """A table as kubectl prints them; where there is not enough room, the last column is folded."""
    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns[:-1]:
        made.add_column(column, no_wrap=True)
    made.add_column(columns[-1], overflow="fold", min_width=LEAST_COLUMNS)
    for row in rows:
        made.add_row(*row)
    return made
