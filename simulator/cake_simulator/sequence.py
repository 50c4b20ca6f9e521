"""A request on its way through one engine."""

from __future__ import annotations

from dataclasses import dataclass, field

from cake_engine.core.meeting import Aim
from cake_engine.core.plan import Plan
from cake_simulator.trace import Request


@dataclass(slots=True, eq=False)
class Sequence:
    """One request in one engine.

    Attributes:
        request: What was asked.
        at: Tokens of its prompt that are on the device.
        end: Tokens to be there before it decodes: its prompt, and after a preemption what it had generated.
        produced: Tokens that were generated.
        plan: For its stored prefix; None without one.
        predicted: Meeting point that was expected first, as a fraction of the prefix; None without an expectation.
        goal: What its plan was aimed at last.
        shared: Blocks of the pool that it refers to, head first.
        own: Tokens of the pool that are its own.
        first_token: When it got its first token; None before.
        paused: When it gave up its seat after its last token; None while it has one.
        seated: Whether it had a seat before.
        ends_at: Number of the engine's decode step in which its last token comes; while it decodes.
    """

    request: Request
    at: int = 0
    end: int = 0
    produced: int = 0
    plan: Plan | None = None
    predicted: float | None = None
    goal: Aim = field(default_factory=lambda: Aim(0, 0))
    shared: list[int] = field(default_factory=list)
    own: int = 0
    first_token: float | None = None
    paused: float | None = None
    seated: bool = False
    ends_at: int = 0

    @property
    def name(self) -> str:
        """Its identifier, as plans are asked for."""
        return str(self.request.number)

    @property
    def context(self) -> int:
        """Tokens whose KV it has."""
        return self.request.input_tokens + self.produced

    @property
    def stored_end(self) -> int:
        """The token at which its stored prefix ends; 0 without one."""
        return self.plan.end * self.plan.chunk_tokens if self.plan else 0

    @property
    def waits_for_loads(self) -> Aim | None:
        """What its plan was aimed at, where compute has nothing to do for it until loads have come."""
        return self.goal if self.plan and self.in_prefix and self.plan.filled(self.at) else None

    @property
    def in_prefix(self) -> bool:
        """Whether it is within its stored prefix."""
        return self.at < self.stored_end
