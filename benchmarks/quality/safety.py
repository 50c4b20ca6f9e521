"""When a codec is called safe: what it may do to a model's words at most."""

from __future__ import annotations

LEAST_AGREEMENT = 0.95
"""Share of next tokens that are the same: some change with nothing more than another order of additions."""
MOST_PERPLEXITY = 1.01
"""Over that of raw blocks."""
LEAST_SCORE = -0.05
"""What the tasks' score may have lost: two of thirty answers."""


def safe(*, agreement: float, perplexity: float, score: float) -> bool:
    """Whether a codec is.

    Args:
        agreement: Share of next tokens that are those of raw blocks.
        perplexity: Over that of raw blocks.
        score: Of the tasks, less that of raw blocks.
    """
    return agreement >= LEAST_AGREEMENT and perplexity <= MOST_PERPLEXITY and score >= LEAST_SCORE
