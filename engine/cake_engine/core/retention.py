"""What it is worth to keep a stored block, for whoever has to choose which leave.

A byte of a block saves compute each time its prefix is asked for again. How much grows with its position, since a token
attends to all tokens before it: with a cost of `a + b * position` a token, that is in proportion to 1 + position * b/a.
How often is not known, only how often it was and how long ago it was last. Were uses to come at a constant rate, with
one use in `SETTLING_SECONDS` expected of a block that nobody knows, (1 + uses) / (SETTLING_SECONDS + seconds watched)
would be the best guess at that rate; but prefixes go out of use, and a block that is not used for long is not the less
so for what it was in its prime. So the seconds since the last use stand in the place of those since the first. And that
it will be used at all has the less chance the longer it was not: SETTLING_SECONDS / (SETTLING_SECONDS + idle).

    worth = saving * (1 + uses) / (SETTLING_SECONDS + seconds since the last use) ** 2

Of one prefix, whose blocks are used together, heads leave before tails. Uses count up to `MOST_USES` and positions up
to `MOST_TOKENS`, so nothing outlives its use for ever: a block unused for t is worth less than a new one at the front
as soon as t > SETTLING_SECONDS * (sqrt(its saving * (1 + its uses)) - 1).
"""

from __future__ import annotations

DOUBLING_TOKENS = 16384
"""Position at which a token costs twice what it costs at the front. It hangs on the model; this is what the cost model
takes for it before the first step was measured (`cake_engine.core.cost`)."""

SETTLING_SECONDS = 700.0
"""Of no use for this long, a block is worth a quarter. Less, and age alone would decide; more, and tails of prompts
that nobody repeats would push out heads that many share."""

MOST_TOKENS = 1 << 20
"""Positions that count: beyond them blocks are worth no more, so a name that lies keeps nothing for ever."""

MOST_USES = 7
"""Uses that count: a block of a popular prefix is kept eight times as long as one that was never used again."""


def saving(position: int, doubling_tokens: float = DOUBLING_TOKENS) -> float:
    """Compute that each byte of a block saves, in proportion to that of a block at the front.

    Args:
        position: Tokens of the prefix up to the block's end; 0 where not known.
        doubling_tokens: Position at which a token costs twice what it costs at the front.
    """
    return 1.0 + min(position, MOST_TOKENS) / doubling_tokens


def worth(saving: float, uses: float, idle_seconds: float) -> float:
    """What a byte of a block will save; the least leaves first. Only ratios count, so any unit of `saving` does.

    Args:
        saving: Compute that each byte saves when it is used.
        uses: How often it was used after it was written, as far as is known.
        idle_seconds: Since it was last used or written.
    """
    return saving * (1.0 + min(uses, MOST_USES)) / (SETTLING_SECONDS + max(0.0, idle_seconds)) ** 2
