"""What became of stored prefixes, and how much of each resource was offered to them."""

from collections.abc import Sequence

from cake_operator.observe.promql import OWNER, aggregate, selector, total_rate
from cake_operator.observe.queries.query import Percentiles, Query
from cake_operator.observe.sampling import Sampling


def queries(sampling: Sampling, _: Percentiles) -> Sequence[Query]:
    """Prefix tokens per second by outcome, compute that was offered, spared and decoded with, and offered load."""
    window = sampling.window
    tokens = selector("cake_prefix_tokens_total", sampling.namespace)
    offered, spared, decode, load = (
        selector(metric, sampling.namespace)
        for metric in (
            "cake_offered_compute_seconds_total",
            "cake_spared_compute_seconds_total",
            "cake_decode_compute_seconds_total",
            "cake_offered_load_bytes_total",
        )
    )
    by_outcome = aggregate("sum", total_rate(tokens, window, ("outcome", "tier")), (*OWNER, "outcome"))
    return [
        Query("prefix_tokens", by_outcome, tokens, window, by="outcome"),
        Query("offered_compute", total_rate(offered, window), offered, window),
        Query("spared_compute", total_rate(spared, window), spared, window),
        Query("decode_compute", total_rate(decode, window), decode, window),
        Query("offered_load", total_rate(load, window), load, window),
    ]
