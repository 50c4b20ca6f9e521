"""PromQL text, from pure functions: nothing that a user wrote reaches a query without being quoted."""

from collections.abc import Sequence
from datetime import timedelta

DEPLOYMENT = "cake_dev_deployment"
"""The pod label cake.dev/deployment, as Prometheus spells it."""
OWNER = ("namespace", DEPLOYMENT)
"""The labels that say whose series it is."""
ENGINE = (*OWNER, "pod", "engine")
"""The labels of one engine: a pod that two jobs scrape counts once."""


def quoted(value: str) -> str:
    r"""A PromQL string.

    >>> print(quoted('a"b\\c'))
    "a\"b\\c"
    """
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def selector(metric: str, namespace: str = "", **labels: str) -> str:
    """The series of engines that belong to a CakeDeployment.

    Args:
        metric: Name of the metric.
        namespace: The only one that may be read; empty for all.
        labels: Values that other labels must have.

    >>> selector("cake_mode", "team-a", mode="Adaptive")
    'cake_mode{cake_dev_deployment!="",namespace="team-a",mode="Adaptive"}'
    """
    matchers = [f'{DEPLOYMENT}!=""']
    if namespace:
        matchers.append(f"namespace={quoted(namespace)}")
    matchers += [f"{name}={quoted(value)}" for name, value in labels.items()]
    return f"{metric}{{{','.join(matchers)}}}"


def narrowed(series: str, label: str, comparison: str, value: str) -> str:
    """Those series of a `selector` whose label compares so (!=, =~, !~) with a value.

    >>> narrowed(selector("cake_mode"), "mode", "=~", "Static|Adaptive")
    'cake_mode{cake_dev_deployment!="",mode=~"Static|Adaptive"}'
    """
    return f"{series.removesuffix('}')},{label}{comparison}{quoted(value)}}}"


def duration(length: timedelta) -> str:
    """A PromQL duration in whole milliseconds.

    >>> duration(timedelta(minutes=1))
    '60000ms'
    """
    return f"{round(length / timedelta(milliseconds=1))}ms"


def aggregate(operator: str, expression: str, by: Sequence[str]) -> str:
    """An aggregation over all labels but those given.

    >>> aggregate("sum", "x", ("a", "b"))
    'sum by (a,b) (x)'
    """
    return f"{operator} by ({','.join(by)}) ({expression})"


def rate(series: str, window: timedelta) -> str:
    """Rise per second of a counter, resets taken into account."""
    return f"rate({series}[{duration(window)}])"


def total_rate(series: str, window: timedelta, by: Sequence[str] = ()) -> str:
    """Rise per second over all engines of a deployment, each counted once however often it is scraped."""
    each = aggregate("max", rate(series, window), (*ENGINE, *by))
    return aggregate("sum", each, (*OWNER, *by))


def total(series: str, by: Sequence[str] = ()) -> str:
    """Sum of a gauge over all engines of a deployment, each counted once however often it is scraped."""
    return aggregate("sum", aggregate("max", series, ENGINE), (*OWNER, *by))


def mean_total(series: str, window: timedelta) -> str:
    """Mean over time of a gauge, summed over all engines of a deployment, each counted once."""
    each = aggregate("max", f"avg_over_time({series}[{duration(window)}])", ENGINE)
    return aggregate("sum", each, OWNER)


def quantile(percentile: float, buckets: str, window: timedelta) -> str:
    """A percentile (0 to 100) of a classic histogram, over all engines of a deployment."""
    return f"histogram_quantile({percentile / 100:.6g}, {aggregate('sum', rate(buckets, window), ('le', *OWNER))})"


def age(series: str, window: timedelta, step: timedelta, by: Sequence[str] = ()) -> str:
    """Seconds since the newest sample of a deployment's series, by the clock of Prometheus.

    A series that has ended (its pod is gone, a scrape failed) has no timestamp any more, while rates over its last
    samples go on for a window: the subquery finds when those samples were.
    """
    ended = f"max_over_time(timestamp({series})[{duration(window)}:{duration(step)}])"
    newest = aggregate("max", f"timestamp({series}) or {ended}", (*OWNER, *by))
    return f"time() - {newest}"
