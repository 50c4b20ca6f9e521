"""One event for all that an idle engine waits for: a finished read, a finished copy.

vLLM's engine steps again and again while a connector has work pending, even when no token can be computed. Rather than
spin, our scheduler waits here for the next completion, briefly.
"""

from __future__ import annotations

import threading

_completed = threading.Event()


def announce() -> None:
    """Something finished; called from I/O and copy threads."""
    _completed.set()


def wait(seconds: float) -> None:
    """Wait until something finished since the last wait, at most this long."""
    _completed.wait(seconds)
    _completed.clear()
