"""The plan of one request: which end of its stored prefix is computed, which is loaded, and where they meet.

A stored prefix can be filled from both ends at once. Compute must go forward, since a token's
KV needs all tokens before it; loads may go in any order, so they go backward from the end. Both are done where they
meet:

    chunk      first                   meeting                      end
               |-- compute, forward -->|<---- load, backward -------|   new text ...

Chunks that no tier holds are computed wherever they are: at the front, where a tier keeps tails longer than heads, and
in the middle.

A plan holds no clock, no thread and no device. Events go in (`fetching`, `arrived`, `copying`, `loaded`, `lost`,
`computed`), actions come out: `wanted` says which chunks to load next, `limit` how far compute may go now, `landing`
what to copy so that compute can jump at once, and `jump` where it continues once the chunks before it are there. `aim`
moves the meeting point; `cake_engine.core.meeting` says where to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from cake_engine.core.chunk import ON_A_TIER, ON_DEVICE_OR_NEAR, TO_LOAD, Chunk, Outcome


class PlanError(RuntimeError):
    """An event that would make the KV cache wrong, for example compute inside a chunk that is being copied in."""


class Plan:
    """One request's stored prefix: chunks `first` to `end`, exclusive; chunk i holds tokens [i*size, (i+1)*size)."""

    def __init__(
        self,
        first: int,
        end: int,
        chunk_tokens: int,
        *,
        resident: Iterable[int] = (),
        tiers: Mapping[int, str] | None = None,
        missing: Iterable[int] = (),
    ) -> None:
        """Plan for chunks that are stored, but for those that are said to be missing.

        Args:
            first: First chunk that the device does not hold already.
            end: One past the last stored chunk.
            chunk_tokens: Tokens of one chunk.
            resident: The chunks among them that are in memory already.
            tiers: On which tier each of the others is; a chunk that is not named is on the tier "".
            missing: The chunks among them that are stored nowhere.
        """
        if not 0 <= first < end or chunk_tokens < 1:
            raise ValueError(f"a plan needs 0 <= first < end and chunk_tokens > 0, not {first}, {end}, {chunk_tokens}")
        self.first = first
        self.end = end
        self.chunk_tokens = chunk_tokens
        self.meeting = end
        self.floor = first
        self._chunks = dict.fromkeys(range(first, end), Chunk.STORED)
        self._tiers = tiers or {}
        self._fetching: set[int] = set()
        self._alone: set[int] = set()
        for chunks, state in ((resident, Chunk.RESIDENT), (missing, Chunk.LOST)):
            for chunk in chunks:
                self._become(chunk, state)
        self._low = end
        self._duplicated = self._lost = 0
        self._missing = len(self._alone)

    def __getitem__(self, chunk: int) -> Chunk:
        return self._chunks[chunk]

    # Events

    def fetching(self, chunk: int) -> None:
        """The chunk was asked of its tier."""
        self._move(chunk, Chunk.FETCHING, TO_LOAD)

    def arrived(self, chunk: int) -> None:
        """The chunk is in memory now."""
        self._move(chunk, Chunk.RESIDENT, ON_A_TIER)

    def returned(self, chunk: int) -> None:
        """The chunk is not in memory or on its way there any more: its read was taken back, or it was evicted."""
        self._move(chunk, Chunk.STORED, TO_LOAD)

    def copying(self, chunk: int) -> None:
        """A copy of the chunk into the request's blocks is under way."""
        self._move(chunk, Chunk.COPYING, TO_LOAD)

    def loaded(self, chunk: int) -> None:
        """The copy is complete."""
        self._move(chunk, Chunk.LOADED, frozenset({Chunk.COPYING}))

    def lost(self, chunk: int) -> None:
        """The chunk cannot be loaded: its file is gone, damaged or late."""
        self._move(chunk, Chunk.LOST, TO_LOAD)
        self._lost += 1

    def computed(self, start: int, stop: int) -> None:
        """Tokens [start, stop) are being computed; a chunk is compute's from its first token on.

        Raises:
            PlanError: A load owns one of these tokens.
        """
        size = self.chunk_tokens
        for chunk in range(max(self.first, start // size), min(self.end, -(-stop // size))):
            state = self._chunks[chunk]
            if state in (Chunk.COPYING, Chunk.LOADED):
                raise PlanError(f"tokens {start} to {stop} would be computed into chunk {chunk}, which is {state.name}")
            self._duplicated += state in (Chunk.FETCHING, Chunk.RESIDENT)
            self._become(chunk, Chunk.COMPUTED)

    # Policy

    def aim(self, meeting: int, floor: int) -> None:
        """Set the goal until the next step.

        Args:
            meeting: Chunk at which compute is to stop; chunks from it on are left to loads.
            floor: Lowest chunk worth loading, at or below `meeting`.
        """
        self.meeting = max(self.first, min(meeting, self.end))
        self.floor = max(self.first, min(floor, self.end))

    # Actions

    def wanted(self, at: int) -> Iterator[int]:
        """Chunks to load next, last first, when tokens below `at` are computed."""
        while self._low > self.first and self._chunks[self._low - 1] not in TO_LOAD:
            self._low -= 1
        for chunk in range(self._low - 1, max(self.floor, self._chunk_after(at)) - 1, -1):
            if self._chunks[chunk] in TO_LOAD:
                yield chunk

    def limit(self, at: int, tokens: int) -> int:
        """How many of `tokens` tokens from token `at` on may be computed now: 0 means wait for the loads."""
        chunk = max(at // self.chunk_tokens, self.first)
        while chunk < self.end and self._computable(chunk):
            chunk += 1
        if chunk >= self.end:
            return tokens
        return max(0, min(tokens, chunk * self.chunk_tokens - at))

    def filled(self, at: int) -> bool:
        """Whether compute has done its part of the stored prefix once it has come to token `at`."""
        return at >= self.end * self.chunk_tokens or self.limit(at, 1) == 0

    def jump(self, at: int) -> int:
        """The token to continue from: past the loaded chunks at `at`, or `at` itself."""
        chunk, inside = divmod(at, self.chunk_tokens)
        if inside or not self.first <= chunk < self.end:
            return at
        while chunk < self.end and self._chunks[chunk] is Chunk.LOADED:
            chunk += 1
        return chunk * self.chunk_tokens

    def landing(self, at: int) -> range:
        """The chunks at `at` that could be jumped over if those of them that are in memory were copied now.

        Copies end in the order in which they begin, so one that is under way behind such a chunk is waited for as well;
        one that comes first is not, since nothing new is to be copied for it.

        Returns:
            Chunks that are in memory, being copied or loaded; none where nothing is to be copied.
        """
        start, inside = divmod(at, self.chunk_tokens)
        chunk, copies = start, False
        while not inside and self.first <= chunk < self.end:
            match self._chunks[chunk]:
                case Chunk.LOADED:
                    pass
                case Chunk.RESIDENT if chunk >= self.floor:
                    copies = True
                case Chunk.COPYING if copies:
                    pass
                case _:
                    break
            chunk += 1
        return range(start, chunk if copies else start)

    # Figures

    def alone(self, at: int) -> int:
        """Tokens from token `at` on that only compute can fill, up to the first that might be loaded."""
        start = stop = max(self._chunk_after(at), self.first)
        while stop in self._alone:
            stop += 1
        return stop * self.chunk_tokens - at if stop > start else 0

    def holes(self) -> list[range]:
        """Runs of chunks that only compute can fill, in order, where it has not begun to."""
        runs: list[range] = []
        for chunk in sorted(self._alone):
            start = runs.pop().start if runs and runs[-1].stop == chunk else chunk
            runs.append(range(start, chunk + 1))
        return runs

    def stop(self, at: int) -> int:
        """First chunk from token `at` on that is in memory or on the device by a load; `end` when there is none."""
        chunk = max(self._chunk_after(at), self.first)
        while chunk < self.end and self._chunks[chunk] not in ON_DEVICE_OR_NEAR:
            chunk += 1
        return min(chunk, self.end)

    def pending(self) -> dict[str, list[int]]:
        """By tier, for each chunk from `first` to `end` inclusive: how many at or after it have yet to come from it."""
        ones: dict[str, list[int]] = {}
        for chunk in range(self.end - 1, self.first - 1, -1):
            if self._chunks[chunk] in ON_A_TIER:
                if (tier := self._tiers.get(chunk, "")) not in ones:
                    ones[tier] = [0] * (self.end - self.first + 1)
                ones[tier][self.end - chunk] = 1
        return {tier: list(accumulate(counted))[::-1] for tier, counted in ones.items()}

    def outstanding(self) -> dict[str, int]:
        """By tier: chunks worth loading that have yet to come from it."""
        low = self.floor
        return dict(
            Counter(self._tiers.get(chunk, "") for chunk in range(low, self._low) if self._chunks[chunk] in ON_A_TIER)
        )

    def reading(self) -> dict[str, int]:
        """By tier: chunks on their way into memory."""
        return dict(Counter(self._tiers.get(chunk, "") for chunk in self._fetching))

    def count(self, *states: Chunk) -> int:
        """How many chunks are in one of these states."""
        return sum(state in states for state in self._chunks.values())

    def outcome(self) -> Outcome:
        """What has become of the chunks so far."""
        computed, loaded = self.count(Chunk.COMPUTED), self.count(Chunk.LOADED)
        unfilled = len(self._chunks) - computed - loaded
        return Outcome(computed, loaded, self._duplicated, self._lost, self._missing, unfilled)

    def _chunk_after(self, at: int) -> int:
        return -(-at // self.chunk_tokens)

    def _computable(self, chunk: int) -> bool:
        match self._chunks[chunk]:
            case Chunk.LOST | Chunk.COMPUTED:
                return True
            case Chunk.STORED | Chunk.FETCHING:
                return chunk < self.meeting
            case Chunk.RESIDENT:  # from the floor on it is about to be copied
                return chunk < min(self.meeting, self.floor)
            case _:
                return False

    def _move(self, chunk: int, to: Chunk, allowed: frozenset[Chunk]) -> None:
        state = self._chunks[chunk]
        if state not in allowed:
            raise PlanError(f"chunk {chunk} is {state.name} and cannot become {to.name}")
        self._become(chunk, to)

    def _become(self, chunk: int, to: Chunk) -> None:
        """Every change of a chunk. Those being read, and those of compute alone, are kept apart: each step asks."""
        self._chunks[chunk] = to
        for kept, state in ((self._fetching, Chunk.FETCHING), (self._alone, Chunk.LOST)):
            if to is state:
                kept.add(chunk)
            else:
                kept.discard(chunk)
