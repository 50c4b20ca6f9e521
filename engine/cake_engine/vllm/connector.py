"""The connector that vLLM loads: vLLM's offloading connector with our schedule on the scheduler's side.

--kv-transfer-config '{"kv_connector": "CakeConnector", "kv_connector_module_path": "cake_engine.vllm.connector",
                       "kv_role": "kv_both", "kv_connector_extra_config": {"cake_config": "/path/engine.json"}}'
--scheduler-cls cake_engine.vllm.scheduler.CakeScheduler
"""

from __future__ import annotations

from typing import Any, cast

from vllm.config import VllmConfig
from vllm.distributed.kv_transfer.kv_connector.v1 import KVConnectorRole
from vllm.distributed.kv_transfer.kv_connector.v1.base import KVConnectorMetadata
from vllm.distributed.kv_transfer.kv_connector.v1.offloading_connector import OffloadingConnector
from vllm.v1.kv_cache_interface import KVCacheConfig

from cake_engine.vllm import adapter, logs, pages, weights
from cake_engine.vllm.metrics import CakePromMetrics
from cake_engine.vllm.offload_scheduler import CakeOffloadScheduler
from cake_engine.vllm.spec import name_spec


class CakeConnector(OffloadingConnector):
    """Stores as vLLM does, loads as `CakeOffloadScheduler` says."""

    def __init__(self, vllm_config: VllmConfig, role: KVConnectorRole, kv_cache_config: KVCacheConfig) -> None:
        logs.join()
        adapter.refuse_unsupported(vllm_config, kv_cache_config)
        extra = vllm_config.kv_transfer_config.kv_connector_extra_config
        static = name_spec(extra)
        if role is KVConnectorRole.SCHEDULER:
            extra[weights.CONFIG_KEY] = weights.digest(vllm_config.model_config)
            extra[pages.CONFIG_KEY] = pages.page_of(
                vllm_config, kv_cache_config, look_inside=any(not tier.codec.exact for tier in static.file_systems)
            )
        with adapter.connector_scheduler(CakeOffloadScheduler):
            super().__init__(vllm_config, role, kv_cache_config)

    @property
    def schedule(self) -> CakeOffloadScheduler:
        """The scheduler side; only in the engine's process."""
        return cast(CakeOffloadScheduler, self.connector_scheduler)

    def bind_connector_metadata(self, connector_metadata: KVConnectorMetadata) -> None:
        """Submit our copies before the forward pass: vLLM starts asynchronous loads only after it.

        Those that this step's metadata also says to flush are waited for, since the forward pass reads what they write.
        VLLM's own flush comes before they are submitted, and has waited for those of earlier steps.
        """
        super().bind_connector_metadata(connector_metadata)
        if self.connector_worker is not None:
            loads = adapter.take_loads(connector_metadata)
            if loads is not None:
                self.connector_worker.start_kv_transfers(loads)
                self.connector_worker.worker.wait(loads.load_jobs.keys() & (connector_metadata.jobs_to_flush or set()))

    def get_finished(self, finished_req_ids: set[str]) -> tuple[set[str], set[str]]:
        """Ends of transfers, without ours: no request of vLLM's waits for them."""
        sent, received = super().get_finished(finished_req_ids)
        return sent, {request for request in received if not request.startswith(adapter.LOAD_PREFIX)}

    @classmethod
    def build_prom_metrics(
        cls,
        vllm_config: VllmConfig,
        metric_types: dict[Any, Any],
        labelnames: list[str],
        per_engine_labelvalues: dict[int, list[object]],
    ) -> CakePromMetrics:
        """The API server's side of the metrics."""
        name_spec(vllm_config.kv_transfer_config.kv_connector_extra_config)
        return CakePromMetrics(vllm_config, metric_types, labelnames, per_engine_labelvalues)
