"""What compute and loads take: a device, tiers, how their speeds change, and what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from cake_engine.core.cost import Span
from cake_simulator.device import Device, Pace

__all__ = ["Device", "Pace", "Tier", "World"]


@dataclass(frozen=True)
class Tier:
    """A store that serves one stream of bytes, with several reads in flight.

    Attributes:
        chunk_seconds: Of one chunk on the stream.
        latency: Before a read's bytes begin to come; paid by reads in flight at the same time.
        readers: Reads in flight at once.
        pace: How its speed changes.
    """

    chunk_seconds: float
    latency: float = 0.0
    readers: int = 4
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True)
class World:
    """A device, tiers and one stored prefix.

    Attributes:
        chunks: Stored chunks.
        tiers: By name.
        device: What computes.
        chunk_tokens: Tokens of one chunk.
        step_tokens: Token budget of one step.
        decoding: Requests that decode all the time.
        homes: Name of the tier of each chunk, by chunk; the first tier where not named.
        lost: Chunks whose files turn out to be bad.
        missing: Chunks that are stored nowhere, as is known from the beginning.
    """

    chunks: int
    tiers: dict[str, Tier]
    device: Device = field(default_factory=Device)
    chunk_tokens: int = 32
    step_tokens: int = 512
    decoding: int = 0
    homes: dict[int, str] = field(default_factory=dict)
    lost: frozenset[int] = frozenset()
    missing: frozenset[int] = frozenset()

    @property
    def end(self) -> int:
        """Tokens of the prefix."""
        return self.chunks * self.chunk_tokens

    def home(self, chunk: int) -> str:
        """The tier of a chunk."""
        return self.homes.get(chunk) or next(iter(self.tiers))

    @property
    def prefill_tokens(self) -> int:
        """Tokens of prefill in a full step."""
        return self.step_tokens - self.decoding

    def steps(self, stop: int) -> Iterator[float]:
        """Seconds at factor 1 of the full steps that compute tokens [0, stop), the last as short as it is."""
        cuts = [*range(0, stop, self.prefill_tokens), stop]
        return (self.device.step([Span(a, b)], self.decoding) for a, b in pairwise(cuts))

    def compute(self, start: int, stop: int) -> float:
        """Seconds at factor 1 to compute tokens [start, stop) in full steps."""
        cuts = [*range(start, stop, self.prefill_tokens), stop]
        return sum(self.device.step([Span(a, b)], self.decoding) for a, b in pairwise(cuts))
