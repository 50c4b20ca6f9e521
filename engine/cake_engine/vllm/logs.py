"""Our log lines among vLLM's: same stream, format and level."""

from __future__ import annotations

import logging


def join() -> None:
    """Send what `cake_engine` logs to where vLLM logs; said again, this changes nothing."""
    ours, theirs = logging.getLogger("cake_engine"), logging.getLogger("vllm")
    if theirs.handlers:
        ours.handlers = list(theirs.handlers)
        ours.setLevel(theirs.level)
        ours.propagate = theirs.propagate
