"""Which live configuration each pod runs with."""

from collections.abc import Sequence

from cake_operator.observe.promql import OWNER, aggregate, selector
from cake_operator.observe.queries.query import Percentiles, Query
from cake_operator.observe.sampling import Sampling


def queries(sampling: Sampling, _: Percentiles) -> Sequence[Query]:
    """The oldest generation that any engine of a pod runs with."""
    generation = selector("cake_config_generation", sampling.namespace)
    oldest = aggregate("min", generation, (*OWNER, "pod"))
    return [Query("generations", oldest, generation, sampling.window, by="pod")]
