"""Cake's figures on vLLM's /metrics.

Engine figures travel as vLLM's own connector statistics: counted in the engine's process, added up with vLLM's offload
statistics, sent to the API server with a step's outputs. Figures of the configuration must be right on an idle engine
too, which sends none: the API server reads the same live file and answers for them itself.
"""

from __future__ import annotations

import math
from typing import Any

from vllm.config import VllmConfig
from vllm.distributed.kv_transfer.kv_connector.v1.offloading.metrics import OffloadingConnectorStats, OffloadPromMetrics
from vllm.v1.kv_offload.base import (
    OffloadingCounterMetadata,
    OffloadingGaugeMetadata,
    OffloadingHistogramMetadata,
    OffloadingMetricMetadata,
)

from cake_engine.config import LiveConfig, Mode, StaticConfig, read_static
from cake_engine.live import LiveConfigFile
from cake_engine.store.statistics import TierStatistics

PREFIX_TOKENS = "cake_prefix_tokens_total"
OFFERED_COMPUTE = "cake_offered_compute_seconds_total"
OFFERED_LOAD = "cake_offered_load_bytes_total"
TIER_READ_BYTES = "cake_tier_read_bytes_total"
TIER_WRITE_BYTES = "cake_tier_write_bytes_total"
TIER_READ_SECONDS = "cake_tier_read_seconds"
TIER_WRITE_SECONDS = "cake_tier_write_seconds"
TIER_USED = "cake_tier_used_bytes"
TIER_CAPACITY = "cake_tier_capacity_bytes"
TIER_QUEUE = "cake_tier_queue_depth"
TIER_EVICTIONS = "cake_tier_evictions_total"
LOAD_CANCELS = "cake_load_cancels_total"
LOAD_FALLBACKS = "cake_load_fallbacks_total"
BLOCK_REJECTS = "cake_block_rejects_total"
STALLS = "cake_stall_seconds_total"
MEETING_POINT = "cake_meeting_point_ratio"

_RATIOS = tuple(step / 20 for step in range(1, 21))
_SECONDS = tuple(1e-4 * 2**power for power in range(18))

DEFINITIONS: dict[str, OffloadingMetricMetadata] = {
    PREFIX_TOKENS: OffloadingCounterMetadata(
        "Tokens of stored prefixes by how they came to the device: computed, loaded; duplicated: read and computed.",
        ("outcome", "tier"),
    ),
    OFFERED_COMPUTE: OffloadingCounterMetadata("Seconds that computing all prompts that arrived would take alone."),
    OFFERED_LOAD: OffloadingCounterMetadata("Bytes of stored prefixes of the prompts that arrived."),
    TIER_READ_BYTES: OffloadingCounterMetadata("Bytes read from a tier.", ("tier",)),
    TIER_WRITE_BYTES: OffloadingCounterMetadata("Bytes written to a tier.", ("tier",)),
    TIER_READ_SECONDS: OffloadingHistogramMetadata("Time of one block's read.", ("tier",), _SECONDS),
    TIER_WRITE_SECONDS: OffloadingHistogramMetadata("Time of one block's write.", ("tier",), _SECONDS),
    TIER_USED: OffloadingGaugeMetadata("Bytes that a tier holds.", ("tier",)),
    TIER_CAPACITY: OffloadingGaugeMetadata("Bytes that a tier may hold.", ("tier",)),
    TIER_QUEUE: OffloadingGaugeMetadata("Reads that wait or run on a tier.", ("tier",)),
    TIER_EVICTIONS: OffloadingCounterMetadata("Blocks evicted from a tier.", ("tier",)),
    LOAD_CANCELS: OffloadingCounterMetadata("Block reads taken back before they began."),
    LOAD_FALLBACKS: OffloadingCounterMetadata("Loads or look-ups given up for compute, by reason.", ("reason",)),
    BLOCK_REJECTS: OffloadingCounterMetadata("Stored blocks refused, by reason.", ("reason",)),
    STALLS: OffloadingCounterMetadata("Seconds in which a request could do nothing but wait for its loads."),
    MEETING_POINT: OffloadingHistogramMetadata(
        "Where compute and loads met: 0 all loaded, 1 all computed; kind predicted or actual.", ("kind",), _RATIOS
    ),
}


def record_tier(stats: OffloadingConnectorStats, tier: TierStatistics) -> None:
    """Add what a file tier did since it was last asked."""
    name = (tier.tier,)
    stats.set_gauge(TIER_USED, tier.used_bytes, name)
    stats.set_gauge(TIER_CAPACITY, tier.capacity_bytes, name)
    stats.set_gauge(TIER_QUEUE, tier.queue_depth, name)
    counts: list[tuple[str, float, tuple[str, ...]]] = [
        (TIER_READ_BYTES, tier.read_bytes, name),
        (TIER_WRITE_BYTES, tier.write_bytes, name),
        (TIER_EVICTIONS, tier.evictions, name),
        (LOAD_CANCELS, tier.cancels, ()),
        *((BLOCK_REJECTS, count, (reason,)) for reason, count in tier.rejects.items()),
        *((LOAD_FALLBACKS, count, (reason,)) for reason, count in tier.fallbacks.items()),
    ]
    for metric, count, labels in counts:
        if count:
            stats.increase_counter(metric, count, labels)
    for metric, samples in ((TIER_READ_SECONDS, tier.read_seconds), (TIER_WRITE_SECONDS, tier.write_seconds)):
        for seconds in samples:
            stats.observe_histogram(metric, seconds, name)


class CakePromMetrics(OffloadPromMetrics):
    """vLLM's offload metrics and Cake's, and the configuration in force."""

    def __init__(
        self,
        vllm_config: VllmConfig,
        metric_types: dict[Any, Any],
        labelnames: list[str],
        per_engine_labelvalues: dict[int, list[object]],
    ) -> None:
        super().__init__(vllm_config, metric_types, labelnames, per_engine_labelvalues)
        static = read_static(vllm_config.kv_transfer_config.kv_connector_extra_config["cake_config"])
        live = LiveConfigFile.of(static)
        modes = self._gauge("cake_mode", "1 for the mode in force, 0 for the others.", ["mode"])
        knobs = self._gauge("cake_knob", "Value of a live knob; a bandwidth of +Inf is uncapped.", ["knob", "tier"])
        generations = self._gauge("cake_config_generation", "Generation of the live configuration in force.", [])
        rejects = self._gauge("cake_config_rejects_total", "Live configurations refused since the start.", [])
        for labels in per_engine_labelvalues.values():
            generations.labels(*labels).set_function(lambda: float(live.generation))
            rejects.labels(*labels).set_function(lambda: float(live.rejects))
            for mode in Mode:
                modes.labels(*labels, mode.value).set_function(lambda mode=mode: float(live.current.mode is mode))
            for knob, tier in _knob_labels(static):
                knobs.labels(*labels, knob, tier).set_function(
                    lambda knob=knob, tier=tier: _knob(live.current, knob, tier)
                )

    def _gauge(self, name: str, documentation: str, labels: list[str]) -> Any:
        return self._gauge_cls(name=name, documentation=documentation, labelnames=self._labelnames + labels)


_KNOBS = {
    "prefetchShare": "prefetch_share",
    "prefixTokenShare": "prefix_token_share",
    "minimumLoadTokens": "minimum_load_tokens",
    "retainFrom": "retain_from",
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
