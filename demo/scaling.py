"""One scale-up by the SLO and back, while requests stream."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cake_operator.api import CakeDeployment
from demo.conversations import Conversation
from demo.documents import Document
from demo.load import Playing
from demo.served import Seen
from demo.stage import Stage

UP_TIMEOUT_SECONDS = 240.0
DOWN_TIMEOUT_SECONDS = 300.0
#: New texts, long enough that four at a time miss the target on one core.
BURST_CONCURRENCY, BURST_REQUESTS, BURST_ANSWER_TOKENS = 4, 8, 8
#: Short and few afterwards, but never none: these streams must survive the pod's end.
CALM_PER_SECOND, CALM_REQUESTS, CALM_ANSWER_TOKENS = 0.3, 4, 16


@dataclass(frozen=True, slots=True)
class Scaling:
    """What became of the fleet and of its streams.

    Attributes:
        up_seconds: From the beginning of the burst to two ready replicas; None when that never came.
        down_seconds: From the end of the burst to one replica; None when that never came.
        reasons: The operator's sentences for other numbers of replicas, in their order.
        streams: How many requests were sent meanwhile.
        failed: The errors of those that failed.
        held: Why the operator did not, as it said last, for each of the two that never came; empty for what came.
    """

    up_seconds: float | None
    down_seconds: float | None
    reasons: tuple[str, ...]
    streams: int
    failed: tuple[str, ...]
    held: tuple[str, str] = ("", "")


def scale_up_and_back(stage: Stage, documents: Sequence[Document]) -> Scaling:
    """Leave the replicas to the operator, load it until it adds one, then ease off until it takes one away.

    Args:
        stage: The deployment, with ``spec.replicas`` set to 1 until now.
        documents: Texts that are long enough that a few at a time miss the objective.
    """
    first = len(stage.served.history)
    stage.served.patch({"replicas": None})
    prompts = (stage.form.prompt(talk) for talk in new_conversations(documents))

    def burst() -> Playing:
        texts = list(itertools.islice(prompts, BURST_REQUESTS))
        return stage.bench.start(texts, output_tokens=BURST_ANSWER_TOKENS, concurrency=BURST_CONCURRENCY)

    def calm() -> Playing:
        texts = [f"Request {number}: how are you?" for number in range(CALM_REQUESTS)]
        return stage.bench.start(texts, output_tokens=CALM_ANSWER_TOKENS, concurrency=2, per_second=CALM_PER_SECOND)

    stage.say(f"Burst: {BURST_CONCURRENCY} new conversations at a time, until the TTFT objective adds a replica")
    up, streams = _play_until(stage, burst, lambda now: (now.status.ready_replicas or 0) > 1, UP_TIMEOUT_SECONDS)
    not_up = "" if up is not None else last_reason(stage.served.history)
    stage.say("Calm: a short request now and then, until one replica is taken away")
    down, more = _play_until(stage, calm, lambda now: now.status.replicas == 1, DOWN_TIMEOUT_SECONDS)
    not_down = "" if down is not None else last_reason(stage.served.history)
    errors = [*streams, *more]
    failed = tuple(error for error in errors if error)
    return Scaling(up, down, tuple(reasons(stage.served.history[first:])), len(errors), failed, (not_up, not_down))


def new_conversations(documents: Sequence[Document]) -> Iterator[Conversation]:
    """Yield conversations without end that share no prefix: each document's name is counted up."""
    for number, document in enumerate(itertools.cycle(documents), 1):
        yield Conversation(Document(f"copy {number} of {document.name}", document.text, document.tokens))


def reasons(history: Sequence[Seen]) -> Iterator[str]:
    """Yield the operator's sentence at each change of the wanted replicas."""
    before: int | None = None
    for seen in history:
        scaling = seen.resource.status.scaling
        if scaling is None or scaling.desired_replicas is None:
            continue
        if before is not None and scaling.desired_replicas != before:
            yield f"{before} to {scaling.desired_replicas}: {scaling.reason}"
        before = scaling.desired_replicas


def last_reason(history: Sequence[Seen]) -> str:
    """Return the operator's latest sentence about the number of replicas; it says so when there was none."""
    said = (seen.resource.status.scaling for seen in reversed(history))
    return next((scaling.reason for scaling in said if scaling and scaling.reason), "the operator gave no reason")


def _play_until(
    stage: Stage, start: Callable[[], Playing], happened: Callable[[CakeDeployment], bool], timeout: float
) -> tuple[float | None, list[str]]:
    """Play one run after the other until something happened; returns after how many seconds, and the errors."""
    began = time.monotonic()
    after: float | None = None
    errors: list[str] = []
    while after is None and time.monotonic() - began < timeout:
        playing = start()
        while not playing.over and after is None:
            if stage.served.saw(happened, timeout=1.0):
                after = time.monotonic() - began
        errors.extend(playing.wait().errors)
    return after, errors
