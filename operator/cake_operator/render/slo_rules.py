"""Recording rules and burn-rate alerts for the objective of one CakeDeployment.

The objective is a share of time: "in 99% of 30 days, p90 of TTFT is at or below 1s". Each minute is judged as the
operator judges it for the condition SLOMet: the percentile of vLLM's histogram against the target. On a bound of the
histogram that comparison is exact (p90 <= 1s if and only if nine of ten requests lie in the buckets up to 1s); between
two bounds it is interpolated, and the condition says so. A minute without requests keeps the promise; one in which
requests wait and none gets a first token breaks it; one without figures is not counted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from cake_operator.api import CakeDeployment, LatencyTarget
from cake_operator.observe.promql import DEPLOYMENT, OWNER, aggregate, duration, quantile, selector, total, total_rate
from cake_operator.observe.queries.latency import INTER_TOKEN_LATENCY, TTFT
from cake_operator.render.alerting import RUNBOOKS, alert, record
from cake_operator.render.burn_rates import MINUTE, BurnRate, burn_rates, length

__all__ = [
    "ALERT",
    "ATTAINMENT",
    "BUDGET_LEFT",
    "BURN_RATE",
    "LATENCY",
    "LATENCY_MISSED",
    "MISSED",
    "slo_groups",
]

LATENCY: Final = "cake:slo_latency_seconds"
LATENCY_MISSED: Final = "cake:slo_latency_missed"
MISSED: Final = "cake:slo_missed"
BURN_RATE: Final = "cake:slo_burn_rate"
BUDGET_LEFT: Final = "cake:slo_budget_left_ratio"
ATTAINMENT: Final = "cake:slo_attainment_ratio"
ALERT: Final = "CakeSLOBudgetBurn"

HISTOGRAMS: Final = {"ttft": TTFT, "inter_token_latency": INTER_TOKEN_LATENCY}
# The whole window of the budget is looked through, so not every minute; and well within the five minutes after which a
# figure is none to Prometheus, which would leave gaps in what is drawn.
BUDGET_INTERVAL: Final = "2m"


def slo_groups(resource: CakeDeployment, window: timedelta, runbooks: str = RUNBOOKS) -> list[dict[str, Any]]:
    """The rule groups of a CakeDeployment; none without an objective.

    Args:
        resource: What the user wrote.
        window: Over which percentiles are taken: four scrapes at least.
        runbooks: What stands before the name of a runbook's page.
    """
    slo = resource.spec.slo
    if slo is None:
        return []
    owner = f"{resource.metadata.namespace}.{resource.metadata.name}"
    budget = 1 - slo.objective.fraction
    rows = burn_rates(slo.window.seconds, budget)
    rules = [rule for latency, target in slo.targets.items() for rule in _judge(resource, latency, target, window)]
    rules.append(record(MISSED, aggregate("max", _own(resource, LATENCY_MISSED), OWNER)))
    spans = {minutes for row in rows for minutes in (row.long_minutes, row.short_minutes)}
    rules += [record(BURN_RATE, _spent(resource, minutes, budget), window=length(minutes)) for minutes in sorted(spans)]
    rules += [_alert(resource, row, runbooks) for row in rows]
    whole = max(round(slo.window.seconds / MINUTE), 1)
    left = [
        record(BUDGET_LEFT, f"1 - {_spent(resource, whole, budget)}"),
        record(ATTAINMENT, f"1 - avg_over_time({_own(resource, MISSED)}[{length(whole)}])"),
    ]
    return [
        {"name": f"cake-slo.{owner}", "interval": "1m", "rules": rules},
        {"name": f"cake-slo-budget.{owner}", "interval": BUDGET_INTERVAL, "rules": left},
    ]


def _judge(resource: CakeDeployment, latency: str, target: LatencyTarget, window: timedelta) -> list[dict[str, Any]]:
    """What a latency is, and whether it misses its target: 1 or 0."""
    measured = quantile(target.percentile, _own(resource, f"{HISTOGRAMS[latency]}_bucket"), window)
    missed = f"{_own(resource, LATENCY, latency=latency)} > bool {target.target.seconds:.10g}"
    missed = aggregate("max", missed, OWNER)  # not a number, for want of requests, is not above anything: 0
    if latency == "ttft":
        stalled = _stalled(resource, max(window, timedelta(seconds=target.target.seconds)))
        missed = f"clamp_max({missed} + {stalled}, 1)"
    return [
        record(LATENCY, measured, latency=latency, percentile=str(target.percentile)),
        record(LATENCY_MISSED, missed, latency=latency),
    ]


def _stalled(resource: CakeDeployment, window: timedelta) -> str:
    """1 where requests waited all through the window and none got its first token: there is no percentile then."""
    waited = total(f"min_over_time({_own(resource, 'vllm:num_requests_waiting')}[{duration(window)}])")
    first_tokens = total_rate(_own(resource, f"{TTFT}_count"), window)
    return f"({waited} > bool 0) * ({first_tokens} == bool 0)"


def _spent(resource: CakeDeployment, minutes: int, budget: float) -> str:
    """Minutes missed over minutes that may be missed. Minutes that nobody measured are not missed."""
    return f"sum_over_time({_own(resource, MISSED)}[{length(minutes)}]) / {minutes * budget:.10g}"


def _alert(resource: CakeDeployment, row: BurnRate, runbooks: str) -> dict[str, Any]:
    slo = resource.spec.slo
    assert slo is not None  # noqa: S101 (the caller has looked)
    fast, still = (
        f"{_own(resource, BURN_RATE, window=length(minutes))} > {row.factor:g}"
        for minutes in (row.long_minutes, row.short_minutes)
    )
    promised = " and ".join(
        f"p{target.percentile} of {latency} at or below {target.target}" for latency, target in slo.targets.items()
    )
    return alert(
        ALERT,
        f"{fast} and on ({','.join(OWNER)}) {still}",
        severity=row.severity,
        summary=f"CakeDeployment {{{{ $labels.namespace }}}}/{{{{ $labels.{DEPLOYMENT} }}}} spends its error budget "
        f"{row.factor:g} times too fast",
        description=f"In the last {length(row.long_minutes)} the targets ({promised}) were missed "
        f"{{{{ $value | humanize }}}} times as often as {slo.objective} of {slo.window} allows, and still are.",
        runbooks=runbooks,
        window=length(row.long_minutes),
    )


def _own(resource: CakeDeployment, metric: str, **labels: str) -> str:
    """The series of one CakeDeployment."""
    return selector(metric, resource.metadata.namespace, **{DEPLOYMENT: resource.metadata.name}, **labels)
