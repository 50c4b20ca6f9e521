"""Steps in which requests decode and none has a plan: how long they take, and how much of that is Cake's."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.idle.own_time import OwnTime, take_over
from tests.engine.serving import Server, prompt, write_config

CAKE, VLLM = "cake_engine", "vllm"
DECODING = (1, 4, 16)
PROMPT_TOKENS = 128
WARMED_UP_TOKENS = 16


@dataclass(frozen=True)
class Steps:
    """Steps of so many requests.

    Attributes:
        decoding: Requests that decode, one token a step each.
        steps: That were measured.
        seconds: The median step.
        cake_seconds: Of a step in Cake's own functions, on average.
    """

    decoding: int
    steps: int
    seconds: float
    cake_seconds: float

    @property
    def share(self) -> float:
        """Of a step, what is Cake's."""
        return self.cake_seconds / self.seconds


def measure(model: Path, folder: Path, steps: int) -> list[Steps]:
    """Measure on one engine, whose scheduler, connector and worker run in this process."""
    from cake_engine.vllm.connector import CakeConnector  # noqa: PLC0415 - imports vLLM, which takes seconds
    from cake_engine.vllm.offload_scheduler import CakeOffloadScheduler  # noqa: PLC0415 - likewise
    from cake_engine.vllm.scheduler import CakeAsyncScheduler  # noqa: PLC0415 - likewise

    own = OwnTime()
    take_over(own, [CakeAsyncScheduler, CakeConnector, CakeOffloadScheduler], CAKE, VLLM)
    settings = {"dtype": "bfloat16", "max_num_seqs": max(DECODING), "kv_cache_memory_bytes": 256 << 20}
    server = Server(model, cake_config=write_config(folder), max_num_batched_tokens=512, **settings)
    try:
        return [_decode(server, own, number, steps) for number in DECODING]
    finally:
        server.close()


def _decode(server: Server, own: OwnTime, number: int, steps: int) -> Steps:
    server.forget()
    for seed in range(number):
        server.begin(prompt(PROMPT_TOKENS, 1000 * number + seed), 2 * WARMED_UP_TOKENS + steps)
    engine = server.llm.llm_engine
    requests = list(server.scheduler.requests.values())
    server.step_until(lambda: all(one.num_output_tokens >= WARMED_UP_TOKENS for one in requests))
    own.clear()
    lengths = []
    for _ in range(steps):
        began = time.perf_counter()
        engine.step()
        lengths.append(time.perf_counter() - began)
    spent = own.seconds.get(CAKE, 0.0)
    server.finish()
    return Steps(number, steps, median(lengths), spent / steps)
