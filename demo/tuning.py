"""The tuner at work: more of the same in Adaptive, until it turns a knob and the pods confirm it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from demo.comparing import ANSWER_TOKENS
from demo.conversations import Conversation, prompts
from demo.served import Seen
from demo.stage import Stage

TIMEOUT_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Retuning:
    """A change of the live settings that the operator made by itself.

    Attributes:
        at: When its confirmation was seen, in seconds since the epoch.
        generation: The generation of the live settings, confirmed by every ready pod.
        retain_from: The knob before and after.
        reason: The operator's sentence.
    """

    at: float
    generation: int
    retain_from: tuple[float, float]
    reason: str


def retunings(history: Sequence[Seen]) -> Iterator[Retuning]:
    """Yield every confirmed change of the live settings that no change of the spec explains.

    Args:
        history: The resource as it was seen, oldest first.
    """
    before: tuple[int | None, int, float] | None = None  # what was confirmed last: spec, live generation, retainFrom
    reasons: dict[int, str] = {}
    for seen in history:
        status = seen.resource.status
        balance = status.balance
        if balance is None or balance.generation is None:
            continue
        # The status that first shows a generation says why it was made; later ones say how it fares.
        reasons.setdefault(balance.generation, balance.reason or "")
        if balance.confirmed_generation != balance.generation:
            continue
        now = (status.observed_generation, balance.generation, balance.retain_from or 0.0)
        if before is not None and now[1] > before[1] and now[0] == before[0]:
            yield Retuning(seen.at, now[1], (before[2], now[2]), reasons[now[1]])
        before = now


def wait_for_retuning(stage: Stage, turns: Sequence[Sequence[Conversation]]) -> list[Retuning]:
    """Play the turns again and again until the tuner has acted; returns what it did, nothing if it took too long."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not (found := list(retunings(stage.served.history))) and time.monotonic() < deadline:
        for conversations in turns:
            stage.server.forget()
            playing = prompts(stage.form, conversations)
            stage.bench.play(playing, output_tokens=ANSWER_TOKENS, concurrency=1)
            if found := list(retunings(stage.served.history)):
                break
    return found
