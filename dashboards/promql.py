"""PromQL of panels. `$namespace` and the like are the dashboard's variables, `$__rate_interval` is Grafana's."""

from __future__ import annotations

from collections.abc import Sequence

from cake_operator.observe.promql import DEPLOYMENT, ENGINE, OWNER, aggregate, narrowed, selector

__all__ = [
    "OWNER",
    "aggregate",
    "anywhere",
    "latest",
    "mounting",
    "narrowed",
    "one",
    "operators",
    "percentile",
    "rate",
    "summed",
    "total_rate",
]


def one(metric: str, **labels: str) -> str:
    """The series of the CakeDeployment that is chosen.

    >>> one("cake_mode", mode="Static")
    'cake_mode{cake_dev_deployment!="",namespace="$namespace",cake_dev_deployment="$deployment",mode="Static"}'
    """
    return selector(metric, "$namespace", **{DEPLOYMENT: "$deployment"}, **labels)


def anywhere(metric: str, **labels: str) -> str:
    """The series of all CakeDeployments in the namespaces that are chosen.

    >>> anywhere("cake_mode", mode="Static")
    'cake_mode{cake_dev_deployment!="",mode="Static",namespace=~"$namespace"}'
    """
    return narrowed(selector(metric, **labels), "namespace", "=~", "$namespace")


def operators(metric: str) -> str:
    """The series of the operators themselves, in the namespaces that are chosen for them.

    >>> operators("cake_operator_acting")
    'cake_operator_acting{namespace=~"$operator"}'
    """
    return f'{metric}{{namespace=~"$operator"}}'


def rate(series: str) -> str:
    """Rise per second of a counter."""
    return f"rate({series}[$__rate_interval])"


def total_rate(series: str, by: Sequence[str] = OWNER) -> str:
    """Rise per second over all engines, each counted once however often it is scraped."""
    return summed(rate(series), by)


def summed(series: str, by: Sequence[str] = OWNER) -> str:
    """Sum of a gauge over all engines, each counted once however often it is scraped."""
    more = [label for label in by if label not in OWNER]
    return aggregate("sum", aggregate("max", series, (*ENGINE, *more)), by)


def latest(series: str, by: Sequence[str] = OWNER) -> str:
    """A figure that every replica of the operator tells, or several pods have in common."""
    return aggregate("max", series, by)


def percentile(share: float, buckets: str, by: Sequence[str] = ()) -> str:
    """A percentile of a histogram; `share` is 0 to 1."""
    return f"histogram_quantile({share:g}, {aggregate('sum', rate(buckets), ('le', *by))})"


def mounting(figures: str) -> str:
    """Of figures by owner and tier, those of tiers that lie on the claim that is chosen."""
    claims = selector("cake_operator_tier_claim", "$namespace", claim="$claim")
    keys = (*OWNER, "tier")
    return f"{figures} * on ({','.join(keys)}) group_left () {aggregate('max', claims, keys)}"
