"""What a family of queries is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cake_operator.observe.sampling import Sampling


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL query whose result is one figure of every CakeDeployment.

    Attributes:
        figure: Name of the field of `DeploymentSnapshot` that it fills.
        promql: Instant query; its result carries the labels namespace, cake_dev_deployment and those of `by`.
        clock: Selector of the series whose newest sample gives the figure its age.
        window: Over which the query looks back.
        by: The label that divides the figure (a tier, a pod); empty when the field is one figure.
        percentile: The percentile asked for, where deployments differ in it.
    """

    figure: str
    promql: str
    clock: str
    window: timedelta
    by: str = ""
    percentile: float | None = None


@dataclass(frozen=True, slots=True)
class Percentiles:
    """The distinct percentiles that the watched SLOs name: one query for each serves all deployments."""

    ttft: Sequence[float] = ()
    inter_token_latency: Sequence[float] = ()


Family = Callable[[Sampling, Percentiles], Sequence[Query]]
"""A family of queries: pure, from how to sample and which percentiles to the queries."""
