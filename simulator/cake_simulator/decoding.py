"""The requests of one engine that generate: how far each is, and in which step the next of them ends."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from math import ceil, sqrt

from cake_simulator.sequence import Sequence


class Decoding:
    """All that generate, the oldest first; many steps at once cost as much as one.

    Attributes:
        context: Tokens whose KV they have, all together.
    """

    def __init__(self) -> None:
        self.context = 0
        self._steps = 0
        self._sequences: dict[int, Sequence] = {}
        self._ends: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._sequences)

    def __iter__(self) -> Iterator[Sequence]:
        return iter(self._sequences.values())

    @property
    def steps_left(self) -> int:
        """Steps until the first of them ends."""
        return self._ends[0][0] - self._steps

    def add(self, sequence: Sequence) -> None:
        """A request has its first token and wants more."""
        number = sequence.request.number
        sequence.ends_at = self._steps + sequence.request.output_tokens - sequence.produced
        self._sequences[number] = sequence
        self.context += sequence.context
        heappush(self._ends, (sequence.ends_at, number))

    def pop_newest(self) -> Sequence:
        """The newest stops in the middle."""
        number = next(reversed(self._sequences))
        sequence = self._sequences[number]
        sequence.produced = self.produced(sequence)
        del self._sequences[number]
        # Sorted, it is a heap.
        self._ends = sorted(entry for entry in self._ends if entry[1] != number)
        self.context -= sequence.context
        return sequence

    def advance(self, decoding: int, steps: int) -> list[Sequence]:
        """So many requests each got so many tokens.

        Returns:
            Those that have all of theirs now.
        """
        self._steps += steps
        self.context += steps * decoding
        ended = []
        while self._ends and self._ends[0][0] <= self._steps:
            sequence = self._sequences.pop(heappop(self._ends)[1])
            sequence.produced = sequence.request.output_tokens
            self.context -= sequence.context
            ended.append(sequence)
        return ended

    def produced(self, sequence: Sequence) -> int:
        """Tokens that a request has got so far."""
        if sequence.request.number in self._sequences:
            return sequence.request.output_tokens - (sequence.ends_at - self._steps)
        return sequence.produced

    def clear(self) -> None:
        """The engine is gone."""
        self._sequences.clear()


def steps_begun(elapsed: float, first: float, growth: float, most: int) -> int:
    """Steps that have begun after some time, the first taking `first` seconds and each next `growth` more."""
    if growth * most > 1e-9 * first:
        half = first - growth / 2
        steps = (-half + sqrt(half * half + 2 * growth * elapsed)) / growth
    else:
        steps = elapsed / first
    return min(most, max(1, ceil(steps - 1e-6)))
