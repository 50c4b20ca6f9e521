"""The operator's own metrics, served on /metrics. What the engines report is read in `cake_operator.observe`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

RECONCILES = Counter("cake_operator_reconciles_total", "Reconciles by how they ended.", ["outcome"])
RECONCILE_SECONDS = Histogram(
    "cake_operator_reconcile_seconds",
    "Time that one reconcile took, waiting for the API server included.",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30),
)
SPARED = Counter(
    "cake_operator_looks_spared_total",
    "Reconciles that had nothing to do, as nothing had changed of what the last one went by.",
)
ACTING = Gauge("cake_operator_acting", "1 while this replica acts: it holds the lease, or is alone.")
QUEUE_DEPTH = Gauge("cake_operator_queue_depth", "CakeDeployments that wait for a reconcile.")
API_REQUESTS = Counter("cake_operator_api_requests_total", "Requests to the API server.", ["verb", "code"])
WRITES = Counter("cake_operator_writes_total", "Writes by kind of object and what was done.", ["kind", "action"])
EVENTS = Counter(
    "cake_operator_events_total",
    "Kubernetes Events by what became of them: posted, dropped (too many), failed.",
    ["outcome"],
)
RELISTS = Counter("cake_operator_relists_total", "Lists that were made, by kind and reason.", ["kind", "reason"])
DEPLOYMENTS = Gauge("cake_operator_cakedeployments", "CakeDeployments known.")
OBSERVE_SECONDS = Histogram("cake_operator_observe_seconds", "Time that one batched query of Prometheus took.")
OBSERVE_FAILURES = Counter(
    "cake_operator_observe_failures_total", "Batched queries of Prometheus that brought nothing."
)
OBSERVED = Gauge(
    "cake_operator_observed_timestamp_seconds",
    "When Prometheus last answered the batched query; 0 before it did. The age of the figures is time() minus this.",
)
DECISIONS = Counter(
    "cake_operator_decisions_total",
    "Decisions by kind (scaling, balance) and outcome: changed, kept, held (figures were missing).",
    ["kind", "outcome"],
)
