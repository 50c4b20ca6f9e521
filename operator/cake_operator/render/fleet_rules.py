"""Alerts for all CakeDeployments at once: what needs no figure of a single spec.

One rule for the fleet, however many CakeDeployments there are. Every replica of the operator tells of each of them, so
its figures are taken as a maximum.
"""

from __future__ import annotations

from typing import Any, Final

from cake_operator.observe.promql import DEPLOYMENT, OWNER, aggregate, narrowed, selector
from cake_operator.render.alerting import RUNBOOKS, alert

__all__ = ["fleet_group"]

NAME: Final = f"{{{{ $labels.namespace }}}}/{{{{ $labels.{DEPLOYMENT} }}}}"
ON: Final = f"on ({','.join(OWNER)})"

# Reads that a tier failed to do, not those that were refused for what the file holds.
FAILED_READS: Final = "deadline|io_error|stale|denied|error|lookup_deadline|lookup_error"
FAILED_WRITES: Final = "no_space|denied|stale|io_error|deadline"
MUCH: Final = 0.05
LITTLE: Final = 0.01
BUSY_TOKENS_PER_SECOND: Final = 100


def fleet_group(runbooks: str = RUNBOOKS) -> dict[str, Any]:
    """The rule group; `runbooks` is what stands before the name of a runbook's page."""
    rules = [
        _operator_down(),
        _not_serving(),
        *_tier_degraded(),
        _config_not_applied(),
        _metrics_missing(),
        _cache_not_helping(),
        _scaling_at_max(),
    ]
    return {"name": "cake-fleet", "interval": "1m", "rules": [alert(**rule, runbooks=runbooks) for rule in rules]}


def _operator_down() -> dict[str, Any]:
    acted = "max_over_time(cake_operator_acting{}[1d])"
    return {
        "name": "CakeOperatorDown",
        "promql": f"max by (namespace) ({acted}) == 1 unless max by (namespace) (cake_operator_acting{{}}) == 1"
        f" or absent({acted})",
        "severity": "critical",
        "minutes": 5,
        "summary": "No replica of the Cake operator acts",
        "description": "For 5 minutes no replica has said that it holds the lease. What runs goes on serving; nothing "
        "is scaled, tuned or repaired.",
    }


def _not_serving() -> dict[str, Any]:
    # Nobody is promised anything by a fleet that was asked to have no pod.
    ready = selector("cake_operator_condition", type="Ready", status="False")
    not_serving = narrowed(ready, "reason", "!=", "ScaledToZero")
    return {
        "name": "CakeNotServing",
        # Without the reason: one that goes to and fro between two of them serves no better.
        "promql": f"{aggregate('max', not_serving, OWNER)} == 1",
        "severity": "critical",
        "minutes": 15,
        "summary": f"No pod of CakeDeployment {NAME} takes requests",
        "description": "For 15 minutes its condition Ready has been False. A model that takes longer to load than that "
        "needs a silence for its first start.",
    }


def _tier_degraded() -> list[dict[str, Any]]:
    failed = _rate("cake_load_fallbacks_total", reason=FAILED_READS)
    read = _rate("cake_tier_read_seconds_count")
    skipped = aggregate("sum", _rates("cake_tier_write_skips_total", reason=FAILED_WRITES), (*OWNER, "tier"))
    name = "CakeTierDegraded"
    return [
        {
            "name": name,
            "promql": _condition("TierDegraded", "True", by="reason"),
            "severity": "warning",
            "minutes": 10,
            "cause": "claim",
            "summary": f"A claim of CakeDeployment {NAME} cannot be used",
            "description": "Its condition TierDegraded has been True for 10 minutes ({{ $labels.reason }}).",
        },
        {
            "name": name,
            # Where all reads fail there is no series of those that succeeded.
            "promql": f"{failed} / ({failed} + ({read} or {failed} * 0)) > {MUCH}",
            "severity": "warning",
            "minutes": 15,
            "cause": "reads",
            "summary": f"Reads from a tier of CakeDeployment {NAME} fail",
            "description": "For 15 minutes {{ $value | humanizePercentage }} of all reads and look-ups were given up, "
            "and what they would have brought was computed.",
        },
        {
            "name": name,
            "promql": f"{skipped} > 0",
            "severity": "warning",
            "minutes": 30,
            "cause": "writes",
            "summary": f"Writes to tier {{{{ $labels.tier }}}} of CakeDeployment {NAME} fail",
            "description": "For 30 minutes {{ $value | humanize }} blocks a second could not be stored: the volume is "
            "full, read-only, not permitted or too slow.",
        },
    ]


def _config_not_applied() -> dict[str, Any]:
    return {
        "name": "CakeEngineConfigNotApplied",
        "promql": _condition("BalanceApplied", "False"),
        "severity": "warning",
        "minutes": 10,
        "summary": f"Pods of CakeDeployment {NAME} do not run with their live configuration",
        "description": "For 10 minutes a ready pod has reported another generation than the one that was written. "
        "Tuning stands still until all of them report it.",
    }


def _metrics_missing() -> dict[str, Any]:
    ready = aggregate("max", selector("cake_operator_replicas", state="ready"), OWNER)
    unknown, failed = (_condition("MetricsAvailable", status) for status in ("Unknown", "False"))
    return {
        "name": "CakeMetricsMissing",
        # A fleet of no ready pods has no figures, and that is right.
        "promql": f"({unknown} or {failed}) and {ON} {ready} > 0",
        "severity": "warning",
        "minutes": 10,
        "summary": f"The operator has no figures of CakeDeployment {NAME}",
        "description": "For 10 minutes pods have been ready, and Prometheus has told the operator nothing of them: "
        "replicas and knobs are held as they are.",
    }


def _cache_not_helping() -> dict[str, Any]:
    loaded = aggregate("sum", _rates("cake_prefix_tokens_total", "6h", outcome="loaded"), OWNER)
    prompts = aggregate("sum", _rates("vllm:prompt_tokens_total", "6h"), OWNER)
    off = aggregate("max", selector("cake_mode", mode="ComputeOnly"), OWNER)
    return {
        "name": "CakeCacheNotHelping",
        # Where nothing was ever loaded there is no series of it.
        "promql": f"(({loaded} or {prompts} * 0) / {prompts} < {LITTLE}) and {ON} ({prompts} > "
        f"{BUSY_TOKENS_PER_SECOND}) unless {ON} ({off} == 1)",
        "severity": "info",
        "minutes": 60,
        "summary": f"Stored KV saves CakeDeployment {NAME} next to nothing",
        "description": "Over six hours {{ $value | humanizePercentage }} of all prompt tokens were loaded from a tier: "
        "prompts share no prefixes, do not find them, or storage is too slow to be worth it.",
    }


def _scaling_at_max() -> dict[str, Any]:
    desired = aggregate("max", selector("cake_operator_replicas", state="desired"), OWNER)
    bound = aggregate("max", selector("cake_operator_replicas_max"), OWNER)
    return {
        "name": "CakeScalingAtMax",
        "promql": f"{desired} >= {ON} {bound} and {ON} {_condition('SLOMet', 'False')}",
        "severity": "warning",
        "minutes": 15,
        "summary": f"CakeDeployment {NAME} misses its targets with all the replicas it may have",
        "description": "For 15 minutes {{ $value }} replicas, which is scaling.maxReplicas, have not been enough.",
    }


def _condition(kind: str, status: str, by: str = "") -> str:
    """The CakeDeployments whose status has a condition like this."""
    series = selector("cake_operator_condition", type=kind, status=status)
    return f"{aggregate('max', series, (*OWNER, by) if by else OWNER)} == 1"


def _rate(metric: str, **reasons: str) -> str:
    return aggregate("sum", _rates(metric, **reasons), OWNER)


def _rates(metric: str, window: str = "10m", **patterns: str) -> str:
    """Rises per second; labels must match a pattern."""
    series = selector(metric)
    for label, pattern in patterns.items():
        series = narrowed(series, label, "=~", pattern)
    return f"rate({series}[{window}])"
