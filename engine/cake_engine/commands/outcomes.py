"""What became of many blocks, for people."""

from __future__ import annotations

from collections import Counter


def summary(outcomes: Counter[str]) -> str:
    """One line: how many of each, in the order of their names."""
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())) or "no blocks"
