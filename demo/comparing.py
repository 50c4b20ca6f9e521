"""The same conversations in each mode, switched live, on a pod that holds none of their prefixes itself."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from cake_engine.config import Mode
from demo.conversations import Conversation, prompts
from demo.load import LoadError, Streams
from demo.measure import Counts, ModeRun
from demo.pacing import CHUNK_TOKENS, Pace
from demo.stage import SHARED_TIER, Stage

MODES = (Mode.COMPUTE_ONLY, Mode.LOAD_ONLY, Mode.ADAPTIVE)
#: Turns after the first, which only fills the shared tier.
TURNS = 2
ANSWER_TOKENS = 8
PACING_REQUESTS = 5
SWITCH_TIMEOUT_SECONDS = 90.0
STORE_TIMEOUT_SECONDS = 60.0
#: A little of a prefix is never stored: the part of its last block.
STORED_SHARE = 0.9


def measure_pace(stage: Stage, bytes_per_token: int) -> Pace:
    """Measure how long the pod computes one chunk: the fastest of a few, as others only wait.

    Raises:
        LoadError: No request was answered.
    """
    streams = stage.bench.random(tokens=CHUNK_TOKENS, requests=PACING_REQUESTS, seed=1)
    if not streams.ttfts:
        raise LoadError(f"no request for {CHUNK_TOKENS} random tokens was answered: {streams.failed[0]}")
    return Pace(min(streams.ttfts), bytes_per_token)


def switch(stage: Stage, mode: Mode, **balance: object) -> float:
    """Switch the mode through the resource and wait for the pods' word; returns the seconds that it took."""
    began = time.monotonic()
    generation = stage.served.patch({"balance": {"mode": mode.value, **balance}})
    stage.served.settle(generation, SWITCH_TIMEOUT_SECONDS)
    return time.monotonic() - began


def first_turns(stage: Stage, conversations: Sequence[Conversation], bytes_per_token: int) -> list[Conversation]:
    """Play everyone's first turn, and wait until what it computed is on the shared tier.

    Raises:
        TimeoutError: The blocks did not get there.
    """
    expected = sum(conversation.document.tokens for conversation in conversations) * bytes_per_token * STORED_SHARE
    before = stage.recorded.total("cake_tier_write_bytes_total", stage.recorded.scraped(time.time()), tier=SHARED_TIER)
    streams = _play(stage, conversations)
    deadline = time.monotonic() + STORE_TIMEOUT_SECONDS
    while True:
        at = stage.recorded.scraped(time.time())
        written = stage.recorded.total("cake_tier_write_bytes_total", at, tier=SHARED_TIER) - before
        if written >= expected:
            break
        if time.monotonic() > deadline:
            raise TimeoutError(f"{written / 1e6:.0f} of {expected / 1e6:.0f} MB were written to the tier {SHARED_TIER}")
    stage.detail(f"{written / 1e6:.0f} MB of KV cache are on the shared claim")
    return _answered(conversations, streams)


def play_mode(stage: Stage, mode: Mode, turns: list[list[Conversation]]) -> ModeRun:
    """Play the turns of all conversations in a mode.

    Before each turn the pod's own caches are emptied, as if its users had come back after a while. A turn that was not
    played before follows from the answers of the one before it, and is added to ``turns`` for the next mode.
    """
    before = stage.counts()
    runs: list[Streams] = []
    for number in range(TURNS):
        if number == len(turns):
            turns.append(_answered(turns[-1], runs[-1]))
        stage.server.forget()
        runs.append(_play(stage, turns[number]))
    return _mode_run(mode, runs, stage.counts().since(before))


def compare(stage: Stage, opened: list[Conversation], pace: Pace) -> Comparison:
    """Play the same turns in each mode."""
    turns, runs = [opened], []
    for mode in MODES:
        stage.say(f"Mode {mode.value}: {TURNS} turns of {len(opened)} conversations")
        stage.detail(f"the pods confirmed the mode {switch(stage, mode):.0f} s after kubectl patch")
        runs.append(run := play_mode(stage, mode, turns))
        stage.detail(f"TTFT p50 {run.ttft(50):.2f} s, p90 {run.ttft(90):.2f} s")
    return Comparison(pace, tuple(runs), turns)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All modes on the same requests.

    Attributes:
        pace: How the load bandwidth was set.
        runs: One a mode.
        turns: The turns that were played, for more of the same.
    """

    pace: Pace
    runs: tuple[ModeRun, ...]
    turns: list[list[Conversation]]

    def run(self, mode: Mode) -> ModeRun:
        """Return the run of a mode."""
        return next(run for run in self.runs if run.mode == mode.value)

    @property
    def same_answers(self) -> int:
        """How many requests got the same text in every mode."""
        return sum(len(set(texts)) == 1 for texts in zip(*(run.texts for run in self.runs), strict=True))


def _play(stage: Stage, conversations: Sequence[Conversation]) -> Streams:
    return stage.bench.play(prompts(stage.form, conversations), output_tokens=ANSWER_TOKENS, concurrency=1)


def _answered(conversations: Sequence[Conversation], streams: Streams) -> list[Conversation]:
    return [talk.answered(text) for talk, text in zip(conversations, streams.texts, strict=True)]


def _mode_run(mode: Mode, runs: Sequence[Streams], counts: Counts) -> ModeRun:
    return ModeRun(
        mode=mode.value,
        started=tuple(run.started for run in runs),
        ttfts=tuple(ttft for run in runs for ttft in run.ttfts),
        texts=tuple(text for run in runs for text in run.texts),
        failed=tuple(error for run in runs for error in run.failed),
        counts=counts,
    )
