"""What was said with one codec."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Answers:
    """What was said with one codec.

    Attributes:
        next_tokens: The most likely token at each position of the texts.
        logprobs: Of the token that stands there, in nats.
        said: Tokens of each answer, by session and turn.
        file_bytes: Of all blocks on the tier.
        ttft_seconds: Median over the sessions, of the first question, all of its context loaded.
    """

    next_tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    said: list[list[int]] = field(default_factory=list)
    file_bytes: int = 0
    ttft_seconds: float = 0.0
