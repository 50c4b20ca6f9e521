"""Which chunk is read next when several requests want some.

Requests that were admitted go before those that still wait for a seat. Among the admitted, the chunk whose load saves
the most waiting for each byte goes first. What a request need not compute it does not wait for, and neither do those
that are served after it: so the first request's chunks come before another's of the same depth, which is as compute
goes, and within a request the deepest comes first, since compute costs more with every position. A chunk that several
requests want saves compute for all of them. A request that was passed over for long goes first once.
Requests that wait go in the order of their turn: what they hold in memory is given back sooner the sooner they are
admitted.

Every tier has its own queue and is asked by itself, so tiers load at the same time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable
from dataclasses import dataclass

from cake_engine.core.cost import ComputeCost

PATIENCE = 64
"""Reads of others that a request lets pass before it goes first."""


def saving(compute: ComputeCost, chunk: int, chunk_tokens: int, chunk_bytes: int) -> float:
    """Seconds of compute that each byte of a chunk saves; its place in the prefix while that is not known."""
    start = chunk * chunk_tokens
    seconds = compute.seconds(start, start + chunk_tokens, chunk_tokens)
    return (chunk + 1 if seconds is None else seconds) / chunk_bytes


@dataclass(frozen=True)
class Claim:
    """The next chunk that one request wants from a tier.

    Attributes:
        request: Who wants it.
        key: What; requests with a common prefix want the same.
        saving: Seconds of waiting that each byte saves over all requests, or anything that grows with it.
        turn: 0 for an admitted request; for one that waits its place in the queue, from 1.
    """

    request: str
    key: Hashable
    saving: float
    turn: int = 0


class ReadOrder:
    """Chooses among the claims on one tier, and remembers who was passed over."""

    def __init__(self, patience: int = PATIENCE) -> None:
        self._patience = patience
        self._passed: Counter[str] = Counter()

    def pick(self, claims: Collection[Claim]) -> Claim:
        """The claim to serve now.

        A request that keeps a claim of turn 0 is served within `patience` plus the number of such requests picks.

        Args:
            claims: One for each request, at least one.
        """
        first = min(claim.turn for claim in claims)
        if first:
            return min(claims, key=lambda claim: claim.turn)
        admitted = [claim for claim in claims if claim.turn == 0]
        saved: Counter[Hashable] = Counter()
        for claim in admitted:
            saved[claim.key] += claim.saving  # type: ignore[assignment]  # a Counter of seconds
        overdue = [claim for claim in admitted if self._passed[claim.request] >= self._patience]
        if overdue:
            chosen = max(overdue, key=lambda claim: self._passed[claim.request])
        else:
            chosen = max(admitted, key=lambda claim: saved[claim.key])
        for claim in admitted:
            if claim.key == chosen.key:
                self._passed.pop(claim.request, None)
            else:
                self._passed[claim.request] += 1
        return chosen

    def forget(self, request: str) -> None:
        """The request wants nothing more."""
        self._passed.pop(request, None)

    def __len__(self) -> int:
        return len(self._passed)
