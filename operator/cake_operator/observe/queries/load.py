"""How much is being served, and by how many pods."""

from collections.abc import Sequence

from cake_operator.observe.promql import OWNER, aggregate, selector, total
from cake_operator.observe.queries.query import Percentiles, Query
from cake_operator.observe.sampling import Sampling


def queries(sampling: Sampling, _: Percentiles) -> Sequence[Query]:
    """Requests running and waiting, and the pods that say so."""
    running = selector("vllm:num_requests_running", sampling.namespace)
    waiting = selector("vllm:num_requests_waiting", sampling.namespace)
    pods = aggregate("count", aggregate("count", running, (*OWNER, "pod")), OWNER)
    return [
        Query("running", total(running), running, sampling.window),
        Query("waiting", total(waiting), waiting, sampling.window),
        Query("reporting_pods", pods, running, sampling.window),
    ]
