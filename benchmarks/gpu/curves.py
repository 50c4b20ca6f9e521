"""What steps take: chunks of prefill over their position (the paper's Figure 4), steps by size, steps that decode."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.gpu.attention import Kernel
from benchmarks.gpu.bench import Bench
from benchmarks.gpu.decoders import Decoders
from benchmarks.gpu.filling import Filling, Prompt
from benchmarks.journal import Figures
from cake_engine.config import Mode
from cake_engine.core.cost import Span

_ROUNDS = 3
_STEPS = 5
"""Times that a step of one kind is measured; the median counts."""
_CHUNK = "chunk_at_"


@dataclass(frozen=True)
class Line:
    """A straight line through what chunks of a full step take.

    Attributes:
        first: Seconds at the first position.
        rise: More for each token of position.
        mean_error: Mean of the relative errors.
        worst_error: The largest of them.
    """

    first: float
    rise: float
    mean_error: float
    worst_error: float

    @classmethod
    def through(cls, positions: Sequence[int], seconds: Sequence[float]) -> Line:
        """The one with the least squared errors."""
        rise, first = np.polyfit(positions, seconds, 1) if len(positions) > 1 else (0.0, seconds[0])
        errors = np.abs((first + rise * np.asarray(positions)) / np.asarray(seconds) - 1)
        return cls(float(first), float(rise), float(errors.mean()), float(errors.max()))


def measure(bench: Bench) -> Figures:
    """Chunks over position, and the weights of a step's cost: `cake_simulator.device.Device`'s own."""
    engine, prompt = bench.engine(1.0), bench.prompt(bench.longest)
    rounds = [_chunks(Filling(engine, prompt, None, Mode.COMPUTE_ONLY)) for _ in range(_ROUNDS)]
    chunks = {start: median(one[start] for one in rounds) for start in rounds[0]}
    line = Line.through(list(chunks), list(chunks.values()))
    size = bench.sizes.step_tokens
    spans = [(Span(start, start + size), seconds) for start, seconds in chunks.items()]
    spans += [(Span(0, part), _prefill_step(bench, prompt, part)) for part in (size // 8, size // 4, size // 2)]
    base, token, slope = weights([(1.0, span.tokens, span.attended) for span, _ in spans], [s for _, s in spans])
    decode, context = _decoding(bench)
    flop = 2 * bench.shape.weights * size
    return {
        "first_chunk_seconds": line.first,
        "last_chunk_seconds": line.first + line.rise * max(chunks),
        "last_position": float(max(chunks)),
        "line_mean_error": line.mean_error,
        "line_worst_error": line.worst_error,
        "linear_flops_per_second": flop / chunks[0],
        "launch_seconds": _launch_seconds(bench, prompt),
        **{"base": base, "token": token, "slope": slope, "decode": decode, "context": context},
        "attention_kernel": float(list(Kernel).index(bench.model.kernel)),
        "kv_bytes_per_token": bench.pool.page_bytes / bench.sizes.page_tokens,
        "kv_memory_bytes": float(bench.device.free_bytes() + bench.pool.data.nbytes),
        **{f"{_CHUNK}{start}": seconds for start, seconds in chunks.items()},
    }


def chunks_of(figures: Figures) -> dict[int, float]:
    """Seconds of each chunk, by its first token."""
    return {int(name.removeprefix(_CHUNK)): value for name, value in figures.items() if name.startswith(_CHUNK)}


def _chunks(filling: Filling) -> dict[int, float]:
    steps = filling.serve().steps[:-1]  # the last one is of the new text
    return {step.prefill[0].start: step.seconds for step in steps}


def _launch_seconds(bench: Bench, prompt: Prompt) -> float:
    """What Python and launches of a full step take until the device has all of it, the median of some."""
    tokens, taken = prompt.tokens[: bench.sizes.step_tokens], []
    for _ in range(_STEPS):
        began = time.perf_counter()
        bench.model.step(tokens, 0, prompt.table, bench.pool)
        taken.append(time.perf_counter() - began)
        bench.device.mark().wait()
    return median(taken)


def _prefill_step(bench: Bench, prompt: Prompt, tokens: int) -> float:
    return step_seconds(bench, lambda: bench.model.step(prompt.tokens[:tokens], 0, prompt.table, bench.pool))


def _decoding(bench: Bench) -> tuple[float, float]:
    """What a decoding request adds to a step, and what each token of its context does."""
    rows, seconds = [], []
    for requests, context in bench.sizes.decoding:
        rows.append((1.0, float(requests), float(requests * context)))
        seconds.append(step_seconds(bench, decode_step(bench, bench.decoders(requests, context))))
    _, decode, contexts = weights(rows, seconds)
    return decode, contexts


def decode_step(bench: Bench, decoders: Decoders) -> Callable[[], object]:
    """A step in which only these decode."""
    prompt = bench.prompt(bench.sizes.page_tokens)
    return lambda: bench.model.step(prompt.tokens[:0], 0, prompt.table, bench.pool, decoders)


def step_seconds(bench: Bench, step: Callable[[], object]) -> float:
    """What the device takes for a step, the median of some; a first one is not counted."""
    step()
    taken = []
    for _ in range(_STEPS):
        before = bench.device.mark()
        step()
        after = bench.device.mark()
        after.wait()
        taken.append(after.seconds_since(before))
    return median(taken)


def weights(rows: Sequence[tuple[float, float, float]], seconds: Sequence[float]) -> tuple[float, float, float]:
    """The weights of three features with the least relative errors; what would be negative counts nothing."""
    features = np.asarray(rows) / np.asarray(seconds)[:, None]
    active, found = [0, 1, 2], np.zeros(3)
    while active:
        fitted = np.linalg.lstsq(features[:, active], np.ones(len(seconds)), rcond=None)[0]
        if fitted.min() >= 0:
            found[active] = fitted
            break
        del active[int(fitted.argmin())]
    first, second, third = (float(weight) for weight in found)
    return first, second, third
