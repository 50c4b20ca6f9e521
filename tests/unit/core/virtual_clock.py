"""One request on a virtual clock: the pure plan and its policy against a tier and a device of given speed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from cake_engine.config import Mode
from cake_engine.core.meeting import Costs, aim
from cake_engine.core.plan import Chunk, Outcome, Plan


@dataclass(frozen=True)
class World:
    """What compute and loads really take.

    Attributes:
        chunks: Stored chunks of the prefix.
        chunk_tokens: Tokens of one.
        base: Seconds of a step with nothing in it.
        token: Seconds of a token at position 0.
        slope: Seconds that a token takes longer for each position.
        chunk_seconds: Seconds in which a chunk arrives.
        step_tokens: Token budget of one step.
        lost: Chunks whose files turn out to be bad.
    """

    chunks: int
    chunk_seconds: float
    chunk_tokens: int = 32
    base: float = 0.01
    token: float = 0.001
    slope: float = 0.0
    step_tokens: int = 512
    lost: frozenset[int] = frozenset()

    def step(self, start: int, stop: int) -> float:
        """Seconds of one step over tokens [start, stop)."""
        return self.base + self.token * (stop - start) + self.slope * (stop * stop - start * start) / 2

    def compute(self, start: int, stop: int) -> float:
        """Seconds of computing tokens [start, stop) in full steps."""
        cuts = [*range(start, stop, self.step_tokens), stop]
        return sum(self.step(a, b) for a, b in pairwise(cuts))

    @property
    def end(self) -> int:
        """Tokens of the prefix."""
        return self.chunks * self.chunk_tokens

    @property
    def better_single(self) -> float:
        """Seconds of the faster of computing all and loading all."""
        return min(self.compute(0, self.end), self.chunks * self.chunk_seconds)

    @property
    def oracle(self) -> float:
        """Seconds with the best meeting point, known in advance."""
        size = self.chunk_tokens
        return min(
            max(self.compute(0, m * size), (self.chunks - m) * self.chunk_seconds) for m in range(self.chunks + 1)
        )


@dataclass(frozen=True)
class Run:
    """How a run went."""

    seconds: float
    outcome: Outcome
    filled: list[int]


def run(world: World, mode: Mode, *, known: bool = True, static: float | None = None) -> Run:
    """Serve the prefix; chunks arrive one after the other in the order asked for, as from one queue."""
    plan = Plan(0, world.chunks, world.chunk_tokens)
    costs = Costs(_known(world), world.chunk_seconds) if known else Costs(lambda _start, _stop: None, None)
    now = free_at = 0.0
    at, queue, filled = 0, [], []
    for _ in range(100_000):
        goal = aim(plan, at, mode, costs, static)
        plan.aim(goal.meeting, goal.floor)
        to = plan.jump(at)
        filled += list(range(at // world.chunk_tokens, to // world.chunk_tokens))
        at = to
        if at >= world.end:
            return Run(now, plan.outcome(), filled)
        tokens = plan.limit(at, min(world.step_tokens, world.end - at))
        plan.computed(at, at + tokens)
        filled += [c for c in range(world.chunks) if at < (c + 1) * world.chunk_tokens <= at + tokens]
        for chunk in list(plan.wanted(at + tokens)):
            if plan[chunk] is Chunk.STORED:
                plan.fetching(chunk)
                free_at = max(now, free_at) + world.chunk_seconds
                queue.append((free_at, chunk))
        now = now + world.step(at, at + tokens) if tokens else max(now, queue[0][0])  # no queue here is a deadlock
        at += tokens
        _deliver(plan, queue, now, world.lost)
    raise AssertionError("the plan did not end")


def _known(world: World) -> Callable[[int, int], float]:
    return world.compute


def _deliver(plan: Plan, queue: list[tuple[float, int]], now: float, lost: frozenset[int]) -> None:
    while queue and queue[0][0] <= now:
        _, chunk = queue.pop(0)
        if plan[chunk] is not Chunk.FETCHING:
            continue
        if chunk in lost:
            plan.lost(chunk)
        else:
            plan.copying(chunk)
            plan.loaded(chunk)
