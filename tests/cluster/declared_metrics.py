"""Pods that export every metric that is declared, and nothing else: made from the declarations themselves."""

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from cake_engine.core.metrics import CONFIGURATION, WORK, Metric
from cake_operator import instruments
from cake_operator.apply.cache import Cache
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS
from cake_operator.fleet_metrics import FleetCollector
from tests.cluster.engine_metrics import ITL_EDGES, LABELS, TTFT_EDGES

# vLLM's own that are asked for; tests/unit/dashboards compares the names with its source.
VLLM = (
    Metric("vllm:time_to_first_token_seconds", "histogram", "", buckets=TTFT_EDGES),
    Metric("vllm:inter_token_latency_seconds", "histogram", "", buckets=ITL_EDGES),
    Metric("vllm:num_requests_running", "gauge", ""),
    Metric("vllm:num_requests_waiting", "gauge", ""),
    Metric("vllm:kv_cache_usage_perc", "gauge", ""),
    Metric("vllm:num_preemptions_total", "counter", ""),
    Metric("vllm:prompt_tokens_total", "counter", ""),
    Metric("vllm:generation_tokens_total", "counter", ""),
)
# The values that labels take here; a metric has a series for each combination.
VALUES: dict[str, tuple[str, ...]] = {
    "tier": ("memory", "shared"),
    "outcome": ("computed", "loaded"),
    "reason": ("deadline",),
    "kind": ("predicted", "actual"),
    "resource": ("compute", "shared"),
    "mode": ("Adaptive",),
    "knob": ("retainFrom", "loadBandwidth"),
}
TYPES: dict[str, Any] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}


class DeclaredEngine:
    """An engine in which everything happens at every scrape."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._series = [one for metric in (*WORK, *CONFIGURATION, *VLLM) for one in self._made(metric)]

    def _made(self, metric: Metric) -> list[Any]:
        more = {"buckets": metric.buckets} if metric.kind == "histogram" else {}
        name = metric.name.removesuffix("_total") if metric.kind == "counter" else metric.name
        labels = [*LABELS, *metric.labels]
        made = TYPES[metric.kind](name, metric.meaning, labels, registry=self.registry, **more)
        combinations: list[list[str]] = [[]]
        for label in metric.labels:
            combinations = [[*before, value] for before in combinations for value in VALUES[label]]
        return [made.labels(*LABELS.values(), *values) for values in combinations]

    def happen(self, *_: Any) -> None:
        """Everything that can happen happens once."""
        for series in self._series:
            if isinstance(series, Counter):
                series.inc(100)
            elif isinstance(series, Gauge):
                series.set(1)
            else:
                series.observe(0.04)


class DeclaredOperator:
    """An operator that has decided and done everything once more at every scrape, for the CakeDeployments given."""

    def __init__(self, *stored: dict[str, Any]) -> None:
        cache = Cache()
        for one in stored:
            cache.put(CAKE_DEPLOYMENTS, one)
        self.registry = CollectorRegistry()
        self.registry.register(FleetCollector(cache))
        for instrument in vars(instruments).values():
            if isinstance(instrument, Counter | Gauge | Histogram):
                self.registry.register(instrument)

    def happen(self, *_: Any) -> None:
        """What a busy operator counts."""
        instruments.ACTING.set(1)
        instruments.RECONCILES.labels("done").inc()
        instruments.RECONCILE_SECONDS.observe(0.01)
        instruments.API_REQUESTS.labels("patch", "200").inc()
        instruments.DECISIONS.labels("scaling", "kept").inc()
        instruments.OBSERVED.set_to_current_time()
