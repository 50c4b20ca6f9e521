"""The situations, as an engine plays them."""

from __future__ import annotations

from pathlib import Path

from benchmarks.ttft.engine import TIER, Engine, Request
from benchmarks.ttft.grid import STEP_TOKENS, Cell, Contender, Situation, Turn
from benchmarks.ttft.prompts import Cast, Prompt
from benchmarks.ttft.records import Play, Reference, Scale
from cake_engine.config import LiveConfig, Mode

WARMED_UP_TOKENS = 16
"""What each decoder has decoded before the measured request arrives: their pace without loads."""
REFERENCE_TOKENS = 64
"""Of a long answer, how many tokens are compared at most."""


class Player:
    """Plays turns on one engine. Its methods are called from another process: arguments and results are data."""

    def __init__(self, model: Path, folder: Path, *, cake: bool) -> None:
        self._engine = Engine(model, folder, cake=cake)

    def refer(self, candidates: list[Prompt]) -> tuple[Prompt, Reference]:
        """Compute prompts of one stored prefix, which is stored by that.

        Returns:
            The prompt about whose answer plain compute is the surest, and that answer.
        """
        self._engine.begin_play()
        answered = [(prompt, self._refer(prompt, cold=n == 0)) for n, prompt in enumerate(candidates)]
        self._engine.begin_play()
        return max(answered, key=lambda one: min(one[1].margins))

    def scale(self, cast: Cast) -> Scale:
        """Measure what a stored prefix costs alone, computed and loaded."""
        (prompt,) = cast.measured
        tokens = len(prompt.tokens) // STEP_TOKENS * STEP_TOKENS
        cell = Cell(Situation.ALONE, tokens, 0)
        computed = self.play(Turn(cell, Contender.COMPUTE_ONLY, 0), cast, None)
        loaded = self.play(Turn(cell, Contender.LOAD_ONLY, 0), cast, None)
        split = loaded.measured[0].split
        if split is None or loaded.asked is None or not loaded.reads:
            raise RuntimeError(f"nothing of the {tokens} tokens of {prompt.name} was read: they are not on the tier")
        steps = [step for step in computed.steps if step.prefill and step.prefill[0].start < tokens]
        return Scale(
            tokens=tokens,
            compute=steps[-1].ended - steps[0].began,
            last_step=next(step.seconds for step in loaded.steps if step.prefill),
            chunk_bytes=self._engine.probe.chunk_bytes,
            chunk_tokens=split.chunk_tokens,
            uncapped=sum(read.bytes for read in loaded.reads) / (loaded.reads[-1].time - loaded.asked),
        )

    def play(self, turn: Turn, cast: Cast, bandwidth: float | None) -> Play:
        """Play one turn with this cap on the tier, in bytes per second."""
        engine, share = self._engine, turn.cell.prefetch_share
        engine.publish(
            LiveConfig(
                mode=turn.contender.mode or Mode.LOAD_ONLY,
                load_bandwidth_bytes_per_second={} if bandwidth is None else {TIER: bandwidth},
                **({} if share is None else {"prefetch_share": share}),
            )
        )
        engine.begin_play()
        self._perform(turn.cell.situation, cast)
        seen = engine.probe.seen
        return Play(
            turn=turn.name,
            cell=turn.cell.name,
            contender=turn.contender,
            round=turn.round,
            bandwidth=bandwidth,
            answers=engine.answers(),
            steps=tuple(seen.steps),
            reads=tuple(seen.reads),
            asked=seen.asked,
            rate=engine.probe.rate,
        )

    def close(self) -> None:
        """End the engine and what it holds."""
        self._engine.close()

    def _refer(self, prompt: Prompt, *, cold: bool) -> Reference:
        engine = self._engine
        short = Prompt(prompt.name, prompt.tokens, min(prompt.answer, REFERENCE_TOKENS))
        request = engine.add(short, measured=True, reads_cache=not cold, best=2)
        engine.step_until_so(lambda: request.finished)
        return Reference(prompt=prompt.name, tokens=tuple(request.tokens), margins=tuple(request.margins))

    def _perform(self, situation: Situation, cast: Cast) -> None:
        """Let the requests arrive, and step until the measured ones have their answers."""
        engine = self._engine
        others = [engine.add(prompt, measured=False, reads_cache=False) for prompt in cast.background]
        match situation:
            case Situation.DECODING:
                engine.step_until_so(lambda: all(len(other.tokens) > WARMED_UP_TOKENS for other in others))
            case Situation.QUEUED:
                engine.step_until_so(lambda: bool(engine.probe.seen.steps))
        requests = [engine.add(prompt, measured=True) for prompt in cast.measured]
        engine.step_until_so(lambda: all(request.finished for request in requests))
        self._end([other for other in others if not other.finished])

    def _end(self, unfinished: list[Request]) -> None:
        if unfinished:
            self._engine.abort(unfinished)
        self._engine.settle()
