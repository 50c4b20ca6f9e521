"""How much is being served, and by how many pods."""

from collections.abc import Sequence

from cake_operator.observe.promql import OWNER, aggregate, mean_total, selector, total, total_rate
from cake_operator.observe.queries.query import Percentiles, Query
from cake_operator.observe.sampling import Sampling

HELD = "cake_held_requests"
"""A gateway's, by a rule of the user's: requests that came while no pod could take them."""


def queries(sampling: Sampling, _: Percentiles) -> Sequence[Query]:
    """Requests running, waiting and held for want of a pod, the pods that say so, and tokens per second."""
    running = selector("vllm:num_requests_running", sampling.namespace)
    waiting = selector("vllm:num_requests_waiting", sampling.namespace)
    pods = aggregate("count", aggregate("count", running, (*OWNER, "pod")), OWNER)
    held = selector(HELD, sampling.namespace)
    prompts = selector("vllm:prompt_tokens_total", sampling.namespace)
    answers = selector("vllm:generation_tokens_total", sampling.namespace)
    tokens = f"{total_rate(prompts, sampling.window)} + {total_rate(answers, sampling.window)}"
    work = f"{total(running, ('pod',))} + {total(waiting, ('pod',))}"
    return [
        Query("tokens", tokens, prompts, sampling.window),
        Query("running", total(running), running, sampling.window),
        Query("waiting", total(waiting), waiting, sampling.window),
        Query("mean_running", mean_total(running, sampling.window), running, sampling.window),
        Query("mean_waiting", mean_total(waiting, sampling.window), waiting, sampling.window),
        Query("held", aggregate("sum", held, OWNER), held, sampling.window),
        Query("work", work, running, sampling.window, by="pod"),
        Query("reporting_pods", pods, running, sampling.window),
    ]
