"""What became of a request."""

from __future__ import annotations

from dataclasses import dataclass

from cake_simulator.trace import Request


@dataclass(frozen=True)
class Ended:
    """What became of a request.

    Attributes:
        request: Which.
        ttft: Seconds from its arrival to its first token; None when it got none.
        inter_token: Mean seconds between its tokens; None with fewer than two.
        tokens: That were generated.
        whole: Whether it got all of them.
    """

    request: Request
    ttft: float | None
    inter_token: float | None
    tokens: int
    whole: bool
