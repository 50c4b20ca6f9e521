"""Waiting for what a cluster does in its own time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_SECONDS = 180.0
POLL_SECONDS = 0.1


def eventually(ask: Callable[[], T], what: str, deadline: float = DEADLINE_SECONDS) -> T:
    """Ask until the answer is true, and give it; the last failed assertion, or `what`, is the error at the deadline."""
    end = time.monotonic() + deadline
    while True:
        failed: AssertionError | None = None
        try:
            if answer := ask():
                return answer
        except AssertionError as error:
            failed = error
        if time.monotonic() > end:
            raise AssertionError(f"after {deadline:g} s still not: {what}") from failed
        time.sleep(POLL_SECONDS)
