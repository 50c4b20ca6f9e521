"""The scheduler's half of an engine's offloading without a model: real memory tier, real file tier, made-up blocks."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from vllm.v1.kv_offload.base import LookupResult, OffloadKey, ReqContext, ScheduleEndContext, make_offload_key
from vllm.v1.kv_offload.config import (
    OffloadingCacheConfig,
    OffloadingConfig,
    OffloadingGroupConfig,
    OffloadingModelConfig,
    OffloadingParallelConfig,
)
from vllm.v1.kv_offload.cpu.shared_offload_region import SharedOffloadRegion
from vllm.v1.kv_offload.tiering.manager import CPUPrimaryTierOffloadingManager, TieringOffloadingManager

from cake_engine.config import LiveConfig, ModelIdentity, TierConfig, TierKind
from cake_engine.live import LiveConfigFile
from cake_engine.store.keys import key_at
from cake_engine.vllm.tier import CakeFileTier

CHUNK_BYTES = 65536
CHUNKS = 32
HIT, PENDING, RETRY, MISS = LookupResult.HIT, LookupResult.HIT_PENDING, LookupResult.RETRY, LookupResult.MISS


def offloading_config(**parallel: int) -> OffloadingConfig:
    sizes = {"tp_size": 1, "pp_size": 1, "pcp_size": 1, "dcp_size": 1, "world_size": 1} | parallel
    return OffloadingConfig(
        groups=(OffloadingGroupConfig(tokens_per_block=32, layer_names=("layer.0", "layer.1"), group_id=0),),
        worker_kv_bytes_per_block=CHUNK_BYTES,
        enable_kv_cache_events=False,
        extra_config={},
        engine_id="test",
        model=OffloadingModelConfig(name="/models/tiny", dtype="bfloat16"),
        cache=OffloadingCacheConfig(tokens_per_hash=32, blocks_per_chunk=1),
        parallel=OffloadingParallelConfig(
            rank=0,
            data_parallel_index=0,
            data_parallel_size=1,
            data_parallel_rank_local=None,
            is_parallelism_agnostic=False,
            **sizes,
        ),
    )


def key(number: int) -> OffloadKey:
    return make_offload_key(hashlib.sha256(str(number).encode()).digest(), 0)


def name(number: int) -> str:
    """What its block is called on the tier, whose position nobody has told."""
    return key_at(key(number), 0).hex()


class Engine:
    """The scheduler's half of an engine's offloading: a memory tier above one file tier."""

    def __init__(self, root: Path, live: Path, *, revision: str | None = None, deadline: float = 5.0) -> None:
        self.region = SharedOffloadRegion(
            engine_id=uuid.uuid4().hex,
            num_chunks=CHUNKS,
            rank=None,
            kv_bytes_per_chunk=CHUNK_BYTES,
            cpu_page_size=CHUNK_BYTES,
        )
        primary = CPUPrimaryTierOffloadingManager(num_chunks=CHUNKS, mmap_region=self.region)
        self.live, self._path = LiveConfigFile(live, interval_seconds=0.0), live
        self.tier = CakeFileTier(
            SimpleNamespace(config=offloading_config()),
            primary.get_kv_memoryview(),
            "shared",
            tier=TierConfig(name="shared", kind=TierKind.FILE_SYSTEM, path=str(root), capacity_bytes=1 << 30),
            model=ModelIdentity(name="tiny", revision=revision),
            live=self.live,
            deadline_seconds=deadline,
        )
        self.completed = threading.Event()
        self.tier.on_completion = self.completed.set
        self.manager = TieringOffloadingManager(primary_tier=primary, secondary_tiers=[self.tier])
        self.primary = primary

    def close(self) -> None:
        self.manager.shutdown()

    def configure(self, **settings: object) -> None:
        """Write the live file; returns once it is in force for every thread of the tier."""
        expected = LiveConfig.model_validate(settings)
        self._path.write_text(json.dumps(settings))
        self.until(lambda: self.live.current == expected)

    def request(self, name: str) -> ReqContext:
        context = ReqContext(name)
        self.manager.on_new_request(context)
        return context

    def step(self) -> None:
        self.manager.on_schedule_end(ScheduleEndContext((), ()))

    def settle(self) -> None:
        """Step until no transfer is left."""
        self.until(lambda: not self.manager.has_pending_work())

    def until(self, condition: Callable[[], bool]) -> None:
        limit = time.monotonic() + 120
        while True:
            self.completed.clear()
            self.step()
            if condition():
                return
            assert time.monotonic() < limit
            self.completed.wait(0.05)

    def compute(self, numbers: range, context: ReqContext) -> None:
        """Put blocks into the memory tier, as the device's copies would; they cascade to the files."""
        keys = [key(n) for n in numbers]
        output = self.manager.prepare_store(keys, context)
        assert output is not None
        for number, chunk in zip(numbers, output.store_spec.chunk_ids, strict=True):
            self.rows[chunk] = content(number)
        self.manager.complete_store(keys, context)

    @property
    def rows(self) -> np.ndarray[Any, Any]:
        return self.region.base_tensor.view(CHUNKS, CHUNK_BYTES).numpy().view(np.uint8)

    def found(self, number: int, context: ReqContext) -> LookupResult:
        """The answer to a look-up once it is known."""
        self.until(lambda: self.tier.peek(key(number)) is not RETRY)
        return self.manager.lookup(key(number), context)

    def load(self, numbers: range, context: ReqContext) -> list[LookupResult]:
        """Ask for blocks until none is on its way; memory then holds those that are a hit."""
        for number in numbers:
            self.found(number, context)
        self.settle()
        return [self.primary.lookup(key(n), context) for n in numbers]

    def block(self, number: int, context: ReqContext) -> np.ndarray[Any, Any]:
        """What memory holds for a key."""
        spec = self.manager.prepare_load([key(number)], context)
        chunk = int(spec.chunk_ids[0])  # type: ignore[attr-defined]
        held = self.rows[chunk].copy()
        self.manager.complete_load([key(number)], context)
        return held


def content(number: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(number).integers(0, 256, CHUNK_BYTES, dtype=np.uint8)
