"""Cake's figures on vLLM's /metrics.

Engine figures travel as vLLM's own connector statistics: counted in the engine's process, added up with vLLM's offload
statistics, sent to the API server with a step's outputs. Figures of the configuration must be right on an idle engine
too, which sends none: the API server reads the same live file and answers for them itself.
"""

from __future__ import annotations

import math
from typing import Any

from prometheus_client import REGISTRY
from vllm.config import VllmConfig
from vllm.distributed.kv_transfer.kv_connector.v1.offloading.metrics import OffloadingConnectorStats, OffloadPromMetrics
from vllm.v1.kv_offload.base import (
    OffloadingCounterMetadata,
    OffloadingGaugeMetadata,
    OffloadingHistogramMetadata,
    OffloadingMetricMetadata,
)

from cake_engine.config import LiveConfig, Mode, StaticConfig, read_static
from cake_engine.core import metrics
from cake_engine.core.metrics import Metric
from cake_engine.live import LiveConfigFile
from cake_engine.store.statistics import TierStatistics

_METADATA = {
    "counter": OffloadingCounterMetadata,
    "gauge": OffloadingGaugeMetadata,
    "histogram": OffloadingHistogramMetadata,
}


def _metadata(metric: Metric) -> OffloadingMetricMetadata:
    buckets = {"buckets": metric.buckets} if metric.kind == "histogram" else {}
    return _METADATA[metric.kind](metric.meaning, metric.labels, **buckets)


DEFINITIONS: dict[str, OffloadingMetricMetadata] = {metric.name: _metadata(metric) for metric in metrics.WORK}


def record_tier(stats: OffloadingConnectorStats, tier: TierStatistics) -> None:
    """Add what a file tier did since it was last asked."""
    name = (tier.tier,)
    stats.set_gauge(metrics.TIER_USED, tier.used_bytes, name)
    stats.set_gauge(metrics.TIER_CAPACITY, tier.capacity_bytes, name)
    stats.set_gauge(metrics.TIER_QUEUE, tier.queue_depth, name)
    stats.set_gauge(metrics.TIER_DIRECT_READS, float(tier.direct), name)
    counts: list[tuple[str, float, tuple[str, ...]]] = [
        (metrics.TIER_READ_BYTES, tier.read_bytes, name),
        (metrics.TIER_WRITE_BYTES, tier.write_bytes, name),
        (metrics.TIER_WRITE_RESTS, tier.rested_seconds, name),
        (metrics.TIER_EVICTIONS, tier.evictions, name),
        (metrics.LOAD_CANCELS, tier.cancels, ()),
        *((metrics.BLOCK_REJECTS, count, (reason,)) for reason, count in tier.rejects.items()),
        *((metrics.TIER_WRITE_SKIPS, count, (tier.tier, reason)) for reason, count in tier.write_skips.items()),
        *((metrics.LOAD_FALLBACKS, count, (reason,)) for reason, count in tier.fallbacks.items()),
    ]
    for metric, count, labels in counts:
        if count:
            stats.increase_counter(metric, count, labels)
    for metric, samples in (
        (metrics.TIER_READ_SECONDS, tier.read_seconds),
        (metrics.TIER_WRITE_SECONDS, tier.write_seconds),
    ):
        for seconds in samples:
            stats.observe_histogram(metric, seconds, name)


def _unregister() -> None:
    """Take away what an engine before this one in the same process left behind, as vLLM does with its own metrics."""
    for collector in list(REGISTRY._collector_to_names):
        if getattr(collector, "_name", "").startswith("cake_"):
            REGISTRY.unregister(collector)


class CakePromMetrics(OffloadPromMetrics):
    """vLLM's offload metrics and Cake's, and the configuration in force."""

    def __init__(
        self,
        vllm_config: VllmConfig,
        metric_types: dict[Any, Any],
        labelnames: list[str],
        per_engine_labelvalues: dict[int, list[object]],
    ) -> None:
        _unregister()
        super().__init__(vllm_config, metric_types, labelnames, per_engine_labelvalues)
        static = read_static(vllm_config.kv_transfer_config.kv_connector_extra_config["cake_config"])
        live = LiveConfigFile.of(static)
        modes, knobs, generations, rejects = (self._gauge(metric) for metric in metrics.CONFIGURATION)
        for labels in per_engine_labelvalues.values():
            generations.labels(*labels).set_function(lambda: float(live.generation))
            rejects.labels(*labels).set_function(lambda: float(live.rejects))
            for mode in Mode:
                modes.labels(*labels, mode.value).set_function(lambda mode=mode: float(live.current.mode is mode))
            for knob, tier in _knob_labels(static):
                knobs.labels(*labels, knob, tier).set_function(
                    lambda knob=knob, tier=tier: _knob(live.current, knob, tier)
                )

    def _gauge(self, metric: Metric) -> Any:
        labels = self._labelnames + list(metric.labels)
        return self._gauge_cls(name=metric.name, documentation=metric.meaning, labelnames=labels)


_KNOBS = {
    "prefetchShare": "prefetch_share",
    "prefixTokenShare": "prefix_token_share",
    "minimumLoadTokens": "minimum_load_tokens",
    "retainFrom": "retain_from",
    "writeRest": "write_rest",
    "staticMeetingPoint": "static_meeting_point",
}
_BANDWIDTHS = {
    "loadBandwidth": "load_bandwidth_bytes_per_second",
    "writeBandwidth": "write_bandwidth_bytes_per_second",
}


def _knob_labels(static: StaticConfig) -> list[tuple[str, str]]:
    tiers = [tier.name for tier in static.file_systems]
    return [(knob, "") for knob in _KNOBS] + [(knob, tier) for knob in _BANDWIDTHS for tier in tiers]


def _knob(live: LiveConfig, knob: str, tier: str) -> float:
    if knob in _KNOBS:
        value = getattr(live, _KNOBS[knob])
        return math.nan if value is None else float(value)
    return float(getattr(live, _BANDWIDTHS[knob]).get(tier, math.inf))
