"""What the demo tells its user, and when what began."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rich.console import Console


@dataclass(frozen=True, slots=True)
class Moment:
    """When something began, for the report."""

    at: float
    what: str


@dataclass
class Narration:
    """The words to the user.

    Attributes:
        console: Where they go.
        moments: What began when.
    """

    console: Console
    moments: list[Moment] = field(default_factory=list)

    def say(self, what: str) -> None:
        """Begin something: print it, and keep the moment for the report."""
        self.moments.append(Moment(time.time(), what))
        first = self.moments[0].at
        self.console.print(f"[bold]{time.time() - first:4.0f} s[/bold]  {what}", highlight=False, soft_wrap=True)

    def detail(self, what: str) -> None:
        """Print more of what was begun."""
        self.console.print(f"        {what}", highlight=False, style="dim", soft_wrap=True, markup=False)
