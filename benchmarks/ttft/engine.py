"""One vLLM engine and what it is told to play: lives in a process of its own (`processes.py`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.ttft.grid import STEP_TOKENS
from benchmarks.ttft.probe import Probe
from benchmarks.ttft.prompts import Prompt
from benchmarks.ttft.records import Answer
from cake_engine.config import LiveConfig, ModelIdentity, StaticConfig, TierConfig, TierKind
from tests.engine.serving import Server

TIER = "files"
KV_CACHE_BYTES = 384 << 20
MEMORY_BYTES = 512 << 20
FILES_BYTES = 8 << 30
LONGEST = 8192 + 128
PATIENCE_SECONDS = 600.0
LIVE_LOOK_SECONDS = 0.3
"""The engine looks at its live configuration at most every 0.25 s, and with the first step after that."""


@dataclass
class Request:
    """A request in flight, and its tokens as they came."""

    prompt: Prompt
    measured: bool
    arrived: float
    tokens: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    finished: bool = False

    @property
    def started(self) -> bool:
        """Whether its first token has come."""
        return bool(self.times)


class Engine(Server):
    """Serves prompts and knows when each token came."""

    def __init__(self, model: Path, folder: Path, *, cake: bool) -> None:
        """Start vLLM.

        Args:
            model: Folder of the model.
            folder: For the configuration and the file tier; engines that share it share what is stored.
            cake: With Cake's schedule; else with vLLM's own over the same tiers and the same worker.
        """
        self.live = folder / f"tuning-{'cake' if cake else 'vllm'}.json"
        self.generation = 0
        self.publish(LiveConfig())
        static = _static(folder, self.live)
        config = folder / f"engine-{'cake' if cake else 'vllm'}.json"
        config.write_text(static.to_json())
        settings: dict[str, Any] = {
            "dtype": "bfloat16",
            "max_model_len": LONGEST,
            "max_num_batched_tokens": STEP_TOKENS,
            "kv_cache_memory_bytes": KV_CACHE_BYTES,
            # Times and equality of tokens are the same past the length that the model was trained for.
            "hf_overrides": {"max_position_embeddings": LONGEST},
        }
        if not cake:
            settings["kv_transfer_config"] = _vllm_tiering(config)
        super().__init__(model, cake_config=config if cake else None, **settings)
        self.probe = Probe(self.scheduler)
        self.requests: dict[str, Request] = {}

    def publish(self, live: LiveConfig) -> None:
        """Put a live configuration in force."""
        self.generation += 1
        fresh = self.live.with_suffix(".new")
        fresh.write_text(live.model_copy(update={"generation": self.generation}).to_json())
        fresh.replace(self.live)
        time.sleep(LIVE_LOOK_SECONDS)

    def begin_play(self) -> None:
        """Empty and poison all caches but the files, and start to record."""
        while self.probe.writing():
            self.settle()
        self.forget()
        self.requests.clear()
        self.probe.clear()

    def add(self, prompt: Prompt, *, measured: bool, reads_cache: bool = True, best: int | None = None) -> Request:
        """Let a request arrive.

        Args:
            prompt: Its prompt.
            measured: Whether its time to the first token counts.
            reads_cache: Whether it may use what is stored.
            best: For how many of the best tokens the engine is to say how likely they were.
        """
        parameters = self.parameters(prompt.answer)
        parameters.skip_reading_prefix_cache, parameters.logprobs = not reads_cache, best
        before = set(self.scheduler.requests)
        request = self.requests[prompt.name] = Request(prompt, measured, self.probe.now())
        self.llm.llm_engine.add_request(prompt.name, {"prompt_token_ids": list(prompt.tokens)}, parameters)
        self.probe.prompts.update(dict.fromkeys(set(self.scheduler.requests) - before, prompt.name))
        return request

    def step_until_so(self, condition: Callable[[], bool]) -> None:
        """Step the engine until something is so.

        Raises:
            TimeoutError: It never came to that.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the engine did not get there in {PATIENCE_SECONDS:.0f} s: {self.requests}")
            outputs = self.llm.llm_engine.step()
            now = self.probe.now()
            for output in outputs:
                request = self.requests[output.request_id]
                tokens = list(output.outputs[0].token_ids)
                request.times += [now] * (len(tokens) - len(request.tokens))
                request.tokens, request.finished = tokens, output.finished
                request.margins = [_margin(best) for best in output.outputs[0].logprobs or ()]

    def abort(self, requests: list[Request]) -> None:
        """End requests early."""
        self.llm.llm_engine.abort_request([request.prompt.name for request in requests])

    def answers(self) -> tuple[Answer, ...]:
        """Every request of the play, with what became of its plan."""
        splits = self.probe.seen.splits
        return tuple(
            Answer(
                prompt=name,
                measured=request.measured,
                arrived=request.arrived,
                tokens=tuple(request.tokens),
                times=tuple(request.times),
                split=splits.get(name),
            )
            for name, request in self.requests.items()
        )


def _margin(best: dict[int, Any]) -> float:
    """By how many nats the most likely token was ahead of the next one."""
    first, second = sorted((token.logprob for token in best.values()), reverse=True)[:2]
    return float(first - second)


def _static(folder: Path, live: Path) -> StaticConfig:
    memory = TierConfig(name="memory", kind=TierKind.MEMORY, capacity_bytes=MEMORY_BYTES)
    files = TierConfig(name=TIER, kind=TierKind.FILE_SYSTEM, path=str(folder / "tier"), capacity_bytes=FILES_BYTES)
    return StaticConfig(model=ModelIdentity(name="smollm2-135m"), tiers=(memory, files), live_config=str(live))


def _vllm_tiering(config: Path) -> dict[str, Any]:
    """VLLM's own connector, which loads all that is stored before it computes, over Cake's tiers and worker."""
    extra = {
        "spec_name": "CakeOffloadingSpec",
        "spec_module_path": "cake_engine.vllm.spec",
        "cpu_bytes_to_use": MEMORY_BYTES,
        "cake_config": str(config),
    }
    return {"kv_connector": "OffloadingConnector", "kv_role": "kv_both", "kv_connector_extra_config": extra}
