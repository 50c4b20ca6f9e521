"""From the static configuration file to vLLM's offloading parts: memory tier, file tiers, worker, metrics."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from vllm.platforms import current_platform
from vllm.v1.kv_offload.base import CanonicalKVCaches, OffloadingManager, OffloadingMetricMetadata, OffloadingWorker
from vllm.v1.kv_offload.config import OffloadingConfig
from vllm.v1.kv_offload.cpu.shared_offload_region import SharedOffloadRegion
from vllm.v1.kv_offload.tiering.manager import CPUPrimaryTierOffloadingManager, TieringOffloadingManager
from vllm.v1.kv_offload.tiering.spec import TieringOffloadingSpec

from cake_engine.config import StaticConfig, read_static
from cake_engine.live import LiveConfigFile
from cake_engine.store.chunk_size import advised
from cake_engine.store.cipher import cipher_of
from cake_engine.store.tenant import tenant_of
from cake_engine.vllm import adapter, completions
from cake_engine.vllm.eviction import HeadsFirstPolicy
from cake_engine.vllm.metrics import DEFINITIONS
from cake_engine.vllm.tier import CakeFileTier
from cake_engine.vllm.worker import HostCopyWorker

logger = logging.getLogger(__name__)

CONFIG_KEY = "cake_config"


def read_config(extra_config: dict[str, Any]) -> StaticConfig:
    """Read the static configuration that `--kv-transfer-config` names.

    Raises:
        ConfigError: The file cannot be read or is not valid.
        ValueError: No file is named.
    """
    path = extra_config.get(CONFIG_KEY)
    if not path:
        raise ValueError(
            f'CakeConnector needs a configuration file: write "kv_connector_extra_config": {{"{CONFIG_KEY}": '
            '"/path/engine.json"}} in --kv-transfer-config.'
        )
    return read_static(path)


def name_spec(extra_config: dict[str, Any]) -> StaticConfig:
    """Tell vLLM's factories, in their own terms, what the configuration file says; returns what that is."""
    static = read_config(extra_config)
    extra_config["spec_name"] = CakeOffloadingSpec.__name__
    extra_config["spec_module_path"] = CakeOffloadingSpec.__module__
    extra_config["cpu_bytes_to_use"] = static.memory.capacity_bytes
    if static.chunk_tokens is not None:
        extra_config["block_size"] = static.chunk_tokens
    return static


class CakeOffloadingSpec(TieringOffloadingSpec):
    """vLLM's tiered offloading with our file tiers and eviction, and a worker for machines without a GPU."""

    _manager: OffloadingManager | None
    _worker: OffloadingWorker | None

    def __init__(self, config: OffloadingConfig) -> None:
        super().__init__(config)
        self.static = read_config(dict(self.extra_config))
        self.live = LiveConfigFile.of(self.static)
        if self.num_chunks < 2:
            raise ValueError(
                f'tier "{self.static.memory.name}" holds {self.static.memory.capacity_bytes} bytes and one chunk takes '
                f"{self.kv_bytes_per_chunk}: give it a capacity of at least {2 * self.kv_bytes_per_chunk}."
            )

    @classmethod
    def build_metric_definitions(cls, extra_config: dict[str, Any]) -> dict[str, OffloadingMetricMetadata]:
        """VLLM's figures and ours."""
        return {**super().build_metric_definitions(extra_config), **DEFINITIONS}

    def get_manager(self) -> OffloadingManager:
        """The memory tier and the file tiers below it, made once."""
        if self._manager is None:
            self._manager = self._build_manager()
        return self._manager

    def _build_manager(self) -> TieringOffloadingManager:
        tenant, cipher = tenant_of(self.static), cipher_of(self.static)
        if tenant is not None:
            logger.info("File tiers keep this engine's blocks as those of tenant %s", tenant.identity)
        if cipher is not None:
            logger.info("File tiers keep this engine's blocks encrypted: %s", cipher.identity)
        self._advise_on_chunks()
        region = SharedOffloadRegion(
            engine_id=self._engine_id,
            num_chunks=self.num_chunks,
            rank=None,
            kv_bytes_per_chunk=self.kv_bytes_per_chunk,
            cpu_page_size=self.cpu_page_size_per_worker,
        )
        self._scheduler_mmap = region
        give_up_name(Path(region.mmap_path))
        primary = CPUPrimaryTierOffloadingManager(
            num_chunks=self.num_chunks,
            cache_policy=HeadsFirstPolicy.__name__,
            cache_policy_module_path=HeadsFirstPolicy.__module__,
            enable_events=self.kv_events_config.enable_kv_cache_events,
            mmap_region=region,
            **adapter.memory_details(self),
        )
        adapter.eviction_policy(primary).retain_from = lambda: self.live.current.retain_from
        tiers: list[CakeFileTier] = []
        try:
            for tier in self.static.file_systems:
                view = primary.get_kv_memoryview()
                tiers.append(
                    CakeFileTier(
                        self,
                        view,
                        tier.name,
                        tier=tier,
                        model=self.static.model,
                        live=self.live,
                        tenant=tenant,
                        cipher=cipher,
                    )
                )
                tiers[-1].on_completion = completions.announce
        except BaseException:
            for made in tiers:
                made.shutdown()
            primary.shutdown()
            raise
        return TieringOffloadingManager(primary_tier=primary, secondary_tiers=tiers)

    def _advise_on_chunks(self) -> None:
        tokens = self.config.groups[0].tokens_per_block * self.blocks_per_chunk
        longer = advised(tokens, self.kv_bytes_per_chunk) if self.static.file_systems else None
        if longer is not None:
            logger.warning(
                "A chunk of %d tokens makes files of %.2f MiB, and devices are slow with files below 1 MiB: "
                'write "chunkTokens": %d in the configuration, or have vLLM make larger blocks (--block-size)',
                tokens,
                self.kv_bytes_per_chunk / (1 << 20),
                longer,
            )

    def get_worker(self, kv_caches: CanonicalKVCaches) -> OffloadingWorker:
        """VLLM's own worker on GPUs, ours elsewhere."""
        if current_platform.is_cpu():
            if self._worker is None:
                self._worker = HostCopyWorker(kv_caches, self.blocks_per_chunk, self._worker_region())
            return self._worker
        return super().get_worker(kv_caches)

    def _worker_region(self) -> SharedOffloadRegion:
        return SharedOffloadRegion(
            engine_id=self._engine_id,
            num_chunks=self.num_chunks,
            rank=self.config.parallel.rank,
            kv_bytes_per_chunk=self.kv_bytes_per_chunk,
            cpu_page_size=self.cpu_page_size_per_worker,
        )


def give_up_name(region: Path) -> None:
    """Put an empty file in the place of the memory tier's, so that the kernel frees its memory however we end.

    vLLM makes the scheduler after every worker has its KV cache, so all that share the memory have mapped it. One that
    came later all the same would wait for the empty file to grow, and say so, where a name that is free would give it
    memory of its own. The worker that made the file removes the empty one as it ends.
    """
    empty = region.with_suffix(f".{os.getpid()}")
    empty.touch(mode=0o600, exist_ok=False)
    empty.replace(region)
