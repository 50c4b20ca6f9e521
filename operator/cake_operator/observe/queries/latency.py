"""Latencies that an SLO names, from vLLM's own histograms, and the requests they were measured on."""

from collections.abc import Sequence

from cake_operator.observe.promql import quantile, selector, total_rate
from cake_operator.observe.queries.query import Percentiles, Query
from cake_operator.observe.sampling import Sampling

TTFT = "vllm:time_to_first_token_seconds"
INTER_TOKEN_LATENCY = "vllm:inter_token_latency_seconds"  # noqa: S105 - a metric, not a secret


def queries(sampling: Sampling, percentiles: Percentiles) -> Sequence[Query]:
    """Time to first token and latency between tokens at each distinct percentile, and requests per second."""
    first_tokens = selector(f"{TTFT}_count", sampling.namespace)
    return [
        *(_percentile("ttft", TTFT, p, sampling) for p in percentiles.ttft),
        *(
            _percentile("inter_token_latency", INTER_TOKEN_LATENCY, p, sampling)
            for p in percentiles.inter_token_latency
        ),
        Query("arrivals", total_rate(first_tokens, sampling.window), first_tokens, sampling.window),
    ]


def _percentile(figure: str, histogram: str, percentile: float, sampling: Sampling) -> Query:
    buckets = selector(f"{histogram}_bucket", sampling.namespace)
    count = selector(f"{histogram}_count", sampling.namespace)
    return Query(figure, quantile(percentile, buckets, sampling.window), count, sampling.window, percentile=percentile)
