"""Where the time of one request goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields


@dataclass
class Phases:
    """Seconds by what they went into. All but the last two follow each other and add up to the request's time.

    Attributes:
        planning: Deciding: the plan, the aim, what to ask for and to copy. The device computes nothing of this request.
        launching: Giving the device a step: Python and launches. It may be at work on the step's beginning already.
        computing: Waiting for the device to end the step.
        waiting: Nothing could be computed: loads were late. The bubble at the meeting point, and LoadOnly's whole time.
        landing: The device's wait for copies that it was about to jump over; on a GPU a part of `computing`.
        copying: Of all copies, on their stream, beside the others.
    """

    planning: float = 0.0
    launching: float = 0.0
    computing: float = 0.0
    waiting: float = 0.0
    landing: float = 0.0
    copying: float = 0.0

    @contextmanager
    def count(self, phase: str) -> Iterator[None]:
        """Add the time of a block to a phase."""
        began = time.perf_counter()
        try:
            yield
        finally:
            setattr(self, phase, getattr(self, phase) + time.perf_counter() - began)

    def figures(self) -> dict[str, float]:
        """By name, with the unit."""
        return {f"{field.name}_seconds": getattr(self, field.name) for field in fields(self)}
