"""What became of stored prefixes, and how much of each resource was offered to them."""

from collections.abc import Sequence

from cake_operator.observe.promql import OWNER, aggregate, selector, total_rate
from cake_operator.observe.queries.query import Percentiles, Query
from cake_operator.observe.sampling import Sampling

OFFERED = {
    "offered_compute": "cake_offered_compute_seconds_total",
    "spared_compute": "cake_spared_compute_seconds_total",
    "decode_compute": "cake_decode_compute_seconds_total",
    "offered_load": "cake_offered_load_bytes_total",
}


def queries(sampling: Sampling, _: Percentiles) -> Sequence[Query]:
    """Prefix tokens per second by outcome, compute that was offered, spared and decoded with, and offered load."""
    window = sampling.window
    tokens = selector("cake_prefix_tokens_total", sampling.namespace)
    by_outcome = aggregate("sum", total_rate(tokens, window, ("outcome", "tier")), (*OWNER, "outcome"))
    offered = {name: selector(metric, sampling.namespace) for name, metric in OFFERED.items()}
    return [
        Query("prefix_tokens", by_outcome, tokens, window, by="outcome"),
        *(Query(name, total_rate(series, window), series, window) for name, series in offered.items()),
    ]
