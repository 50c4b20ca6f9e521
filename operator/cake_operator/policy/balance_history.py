"""What the balance policy remembers between decisions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cake_engine.config import Knobs, Mode
from cake_operator.policy.writes import WriteMemory


@dataclass(frozen=True, slots=True)
class BalanceHistory:
    """What the balance policy remembers between decisions. It may be lost: the knobs stay, and are judged anew.

    Attributes:
        user: The knobs that the user had written at the last decision; None before the first.
        mode: The mode at the last decision.
        generation: The newest generation that every ready pod was seen to run with.
        since: When they were first seen to; None when for who knows how long.
        changed: When knobs were changed within the last hour, oldest first.
        writes: By tier, what is remembered of its writes.
        recommendation: With tuning Recommend, the knobs that Auto would set next; None otherwise.
    """

    user: Knobs | None = None
    mode: Mode | None = None
    generation: int | None = None
    since: datetime | None = None
    changed: tuple[datetime, ...] = ()
    writes: Mapping[str, WriteMemory] = field(default_factory=dict)
    recommendation: Knobs | None = None
