"""Cake's metrics as data: what `cake_engine.vllm.metrics` exports and docs/reference/metrics.md lists.

Base units in the names; every label has few values: tiers, reasons, kinds and knobs, never a request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PREFIX_TOKENS = "cake_prefix_tokens_total"
OFFERED_COMPUTE = "cake_offered_compute_seconds_total"
SPARED_COMPUTE = "cake_spared_compute_seconds_total"
DECODE_COMPUTE = "cake_decode_compute_seconds_total"
OFFERED_LOAD = "cake_offered_load_bytes_total"
TIER_READ_BYTES = "cake_tier_read_bytes_total"
TIER_WRITE_BYTES = "cake_tier_write_bytes_total"
TIER_READ_SECONDS = "cake_tier_read_seconds"
TIER_WRITE_SECONDS = "cake_tier_write_seconds"
TIER_WRITE_RESTS = "cake_tier_write_rest_seconds_total"
TIER_WRITE_SKIPS = "cake_tier_write_skips_total"
TIER_USED = "cake_tier_used_bytes"
TIER_CAPACITY = "cake_tier_capacity_bytes"
TIER_QUEUE = "cake_tier_queue_depth"
TIER_DIRECT_READS = "cake_tier_direct_reads"
TIER_EVICTIONS = "cake_tier_evictions_total"
LOAD_CANCELS = "cake_load_cancels_total"
LOAD_FALLBACKS = "cake_load_fallbacks_total"
BLOCK_REJECTS = "cake_block_rejects_total"
STALLS = "cake_stall_seconds_total"
MEETING_POINT = "cake_meeting_point_ratio"
COST_ERROR = "cake_cost_error_ratio"
MODE = "cake_mode"
KNOB = "cake_knob"
CONFIG_GENERATION = "cake_config_generation"
CONFIG_REJECTS = "cake_config_rejects_total"

_RATIOS = tuple(step / 20 for step in range(1, 21))
_SECONDS = tuple(1e-4 * 2**power for power in range(18))


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: As on /metrics.
        kind: What Prometheus makes of it.
        meaning: One line of help.
        labels: Beside those that vLLM adds (model_name, engine).
        buckets: Upper bounds of a histogram, in the metric's unit.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


WORK = (
    Metric(
        PREFIX_TOKENS,
        "counter",
        "Tokens of stored prefixes by how they came to the device: computed, loaded; duplicated: read and computed.",
        ("outcome", "tier"),
    ),
    Metric(OFFERED_COMPUTE, "counter", "Seconds that computing all prompts that arrived would take alone."),
    Metric(
        SPARED_COMPUTE, "counter", "Seconds of that compute which prefixes on the device and loaded ones made needless."
    ),
    Metric(DECODE_COMPUTE, "counter", "Seconds that requests added to steps in which they decoded."),
    Metric(OFFERED_LOAD, "counter", "Bytes of stored prefixes of the prompts that arrived."),
    Metric(TIER_READ_BYTES, "counter", "Bytes read from a tier.", ("tier",)),
    Metric(TIER_WRITE_BYTES, "counter", "Bytes written to a tier.", ("tier",)),
    Metric(TIER_READ_SECONDS, "histogram", "Time of one block's read.", ("tier",), _SECONDS),
    Metric(TIER_WRITE_SECONDS, "histogram", "Time of one block's write.", ("tier",), _SECONDS),
    Metric(
        TIER_WRITE_RESTS,
        "counter",
        "Seconds in which no write to a tier began, to give way to its other users.",
        ("tier",),
    ),
    Metric(TIER_WRITE_SKIPS, "counter", "Blocks that were not stored, by reason.", ("tier", "reason")),
    Metric(TIER_USED, "gauge", "Bytes that a tier holds.", ("tier",)),
    Metric(TIER_CAPACITY, "gauge", "Bytes that a tier may hold.", ("tier",)),
    Metric(TIER_QUEUE, "gauge", "Reads that wait or run on a tier.", ("tier",)),
    Metric(
        TIER_DIRECT_READS, "gauge", "1 while reads of a tier bypass the page cache, 0 where they cannot.", ("tier",)
    ),
    Metric(TIER_EVICTIONS, "counter", "Blocks evicted from a tier.", ("tier",)),
    Metric(LOAD_CANCELS, "counter", "Block reads taken back before they began."),
    Metric(LOAD_FALLBACKS, "counter", "Loads or look-ups given up for compute, by reason.", ("reason",)),
    Metric(BLOCK_REJECTS, "counter", "Stored blocks refused, by reason.", ("reason",)),
    Metric(STALLS, "counter", "Seconds in which a request could do nothing but wait for its loads."),
    Metric(
        MEETING_POINT,
        "histogram",
        "Where compute and loads met: 0 all loaded, 1 all computed; kind predicted, actual, or chosen: 0 where nothing "
        "was computed but what no tier held.",
        ("kind",),
        _RATIOS,
    ),
    Metric(
        COST_ERROR,
        "gauge",
        "Error of what steps (resource compute) and reads (resource: the tier) were expected to take, relative to the "
        "larger of expected and observed, lately.",
        ("resource",),
    ),
)
"""What the engine does; absent until it has done some."""

CONFIGURATION = (
    Metric(MODE, "gauge", "1 for the mode in force, 0 for the others.", ("mode",)),
    Metric(KNOB, "gauge", "Value of a live knob; a bandwidth of +Inf is uncapped.", ("knob", "tier")),
    Metric(CONFIG_GENERATION, "gauge", "Generation of the live configuration in force."),
    Metric(CONFIG_REJECTS, "gauge", "Live configurations refused since the start."),
)
"""What the engine runs with; always there, on an idle engine too."""
