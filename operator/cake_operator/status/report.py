"""The whole status of a CakeDeployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cake_engine.config import Knobs, LiveConfig
from cake_operator.api import CakeDeployment, slo_warnings
from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_operator.policy.confirmation import Confirmation
from cake_operator.policy.contention import Contention
from cake_operator.policy.decision import Decision
from cake_operator.policy.slo import SloState, SloVerdict
from cake_operator.render.naming import selector_of
from cake_operator.render.startup import allowance_of
from cake_operator.status.claims import ClaimUse
from cake_operator.status.conditions import Condition, ConditionType, Truth, merged
from cake_operator.status.rollouts import rollout_troubles
from cake_operator.status.serving import progressing, ready
from cake_operator.status.settling import settled_figure, settled_fraction, settled_sentence
from cake_operator.status.starts import Starts, starting
from cake_operator.status.troubles import Trouble

__all__ = ["Findings", "report", "report_invalid"]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What one reconcile saw, decided and did.

    Attributes:
        deployment: The child Deployment as seen; None before it is made.
        pods: Its pods.
        wanted: Pods that shall run.
        snapshot: The figures.
        metrics_error: Why there are no figures at all; None where Prometheus answered.
        claims: What is wrong with claims, so that pods cannot run.
        tiers: What else is wrong with tiers: pods run, and store less than they could.
        failures: What the API server refused.
        scaling: How many pods, and why.
        balance: Which knobs, and why.
        recommendation: Knobs that tuning would set where it may only recommend.
        live: What the engines are told, as the cluster has it; None where it has nothing that can be read.
        confirmation: What of it they confirmed.
        slo: Whether the SLO is met.
        contention: Who else sets the number of replicas.
        starts: How long engines take to start.
    """

    deployment: Mapping[str, Any] | None
    pods: Sequence[Mapping[str, Any]]
    wanted: int
    snapshot: DeploymentSnapshot
    metrics_error: str | None
    claims: Sequence[tuple[ClaimUse, Trouble]]
    tiers: Sequence[Trouble]
    failures: Sequence[Trouble]
    scaling: Decision[int]
    balance: Decision[Knobs]
    recommendation: Knobs | None
    live: LiveConfig | None
    confirmation: Confirmation
    slo: SloVerdict
    contention: Contention
    starts: Starts = field(default_factory=Starts)


def report(
    resource: CakeDeployment, generation: int, previous: Mapping[str, Any], found: Findings, now: datetime
) -> dict[str, Any]:
    """The status to write; equal to `previous` where nothing worth a write has changed."""
    counted = (found.deployment or {}).get("status") or {}
    status = {
        "observedGeneration": generation,
        "replicas": counted.get("replicas", 0),
        "readyReplicas": counted.get("readyReplicas", 0),
        "selector": ",".join(f"{key}={value}" for key, value in selector_of(resource.metadata.name).items()),
        "conditions": merged(previous.get("conditions") or (), _conditions(resource, found), generation, now),
        "slo": _slo(previous.get("slo") or {}, found),
        "scaling": _scaling(previous.get("scaling") or {}, found.scaling),
        "balance": _balance(previous.get("balance") or {}, found),
        "startup": _startup(found),
    }
    return {key: value for key, value in status.items() if value is not None}


def report_invalid(generation: int, previous: Mapping[str, Any], faults: str, now: datetime) -> dict[str, Any]:
    """The status of a stored resource that cannot be read: what runs is left as it is, and its figures as they were."""
    conditions = [
        Condition(ConditionType.READY, _truth_before(previous), "InvalidSpec", faults),
        Condition(ConditionType.PROGRESSING, Truth.FALSE, "InvalidSpec", faults),
    ]
    others = [one for one in previous.get("conditions") or () if one["type"] not in {c.type for c in conditions}]
    return {
        **previous,
        "observedGeneration": generation,
        "conditions": [*merged(previous.get("conditions") or (), conditions, generation, now), *others],
    }


def _truth_before(previous: Mapping[str, Any]) -> Truth:
    """Whether pods serve is not known of a spec that cannot be read; what ran before still does."""
    return Truth.UNKNOWN if previous.get("readyReplicas") else Truth.FALSE


def _conditions(resource: CakeDeployment, found: Findings) -> list[Condition]:
    troubles = [
        *found.failures,
        *(trouble for _, trouble in found.claims),
        *rollout_troubles(found.deployment, found.pods),
    ]
    counted, allowed = (found.deployment or {}).get("status") or {}, allowance_of(found.deployment)
    return [
        ready(found.pods, counted.get("readyReplicas", 0), found.wanted, troubles),
        progressing(found.deployment, found.wanted, troubles, starting(found.pods, found.starts, allowed)),
        _slo_met(found.slo, slo_warnings(resource.spec)),
        _metrics_available(found),
        _balance_applied(found.confirmation),
        _tier_degraded([*(trouble for use, trouble in found.claims if use.written), *found.tiers]),
        _replicas_contested(found.contention),
    ]


def _slo_met(verdict: SloVerdict, advice: Sequence[str]) -> Condition:
    met = {SloState.MET: Truth.TRUE, SloState.MISSED: Truth.FALSE}.get(verdict.state, Truth.UNKNOWN)
    reason = {SloState.NONE: "NoSLO", SloState.UNKNOWN: "NoFigures"}.get(verdict.state, str(verdict.state))
    if verdict.helpless:
        reason = "ReplicasDoNotHelp"
    return Condition(ConditionType.SLO_MET, met, reason, "; ".join((verdict.sentence, *advice)), measured=True)


def _metrics_available(found: Findings) -> Condition:
    if found.metrics_error is not None:
        return Condition(ConditionType.METRICS_AVAILABLE, Truth.FALSE, "PrometheusFailed", found.metrics_error)
    if found.confirmation.confirmed_generation is None:
        return Condition(ConditionType.METRICS_AVAILABLE, Truth.UNKNOWN, "NoSeries", found.confirmation.sentence)
    return Condition(
        ConditionType.METRICS_AVAILABLE, Truth.TRUE, "Scraped", "Prometheus has figures of every ready pod"
    )


def _balance_applied(confirmation: Confirmation) -> Condition:
    applied = {"Confirmed": Truth.TRUE, "Waiting": Truth.FALSE}.get(confirmation.state, Truth.UNKNOWN)
    return Condition(ConditionType.BALANCE_APPLIED, applied, str(confirmation.state), confirmation.sentence)


def _tier_degraded(troubles: Sequence[Trouble]) -> Condition:
    if not troubles:
        return Condition(ConditionType.TIER_DEGRADED, Truth.FALSE, "TiersUsable", "every tier's claim can be used")
    message = "; ".join(trouble.message for trouble in troubles)
    return Condition(ConditionType.TIER_DEGRADED, Truth.TRUE, troubles[0].reason, message)


def _replicas_contested(contention: Contention) -> Condition:
    if not contention.sentence:
        message = "nobody contradicts the number of replicas"
        return Condition(ConditionType.REPLICAS_CONTESTED, Truth.FALSE, "OneWriter", message)
    return Condition(ConditionType.REPLICAS_CONTESTED, Truth.TRUE, "TwoWriters", contention.sentence, measured=True)


def _slo(previous: Mapping[str, Any], found: Findings) -> dict[str, Any]:
    figures = {
        "ttft": settled_figure(previous.get("ttft"), found.snapshot.ttft.value),
        "interTokenLatency": settled_figure(
            previous.get("interTokenLatency"), found.snapshot.inter_token_latency.value
        ),
    }
    return {**{key: value for key, value in figures.items() if value is not None}, "state": str(found.slo.state)}


def _scaling(previous: Mapping[str, Any], decision: Decision[int]) -> dict[str, Any]:
    same = (previous.get("desiredReplicas"), previous.get("valid")) == (decision.value, decision.valid)
    reason = settled_sentence(previous.get("reason", ""), decision.reason) if same else decision.reason
    return {"desiredReplicas": decision.value, "reason": reason, "valid": decision.valid}


def _balance(previous: Mapping[str, Any], found: Findings) -> dict[str, Any]:
    confirmed = found.confirmation.confirmed_generation
    told = _told(found.live) if found.live is not None else previous
    reason = found.balance.reason
    if previous.get("generation") == told.get("generation"):
        reason = settled_sentence(previous.get("reason", ""), reason)
    status = {
        "mode": told.get("mode"),
        "generation": told.get("generation"),
        "confirmedGeneration": confirmed if confirmed is not None else previous.get("confirmedGeneration"),
        "retainFrom": told.get("retainFrom"),
        "meetingPoint": settled_fraction(previous.get("meetingPoint"), found.snapshot.meeting_point.value),
        "predictedMeetingPoint": settled_fraction(
            previous.get("predictedMeetingPoint"), found.snapshot.predicted_meeting_point.value
        ),
        "reason": reason,
        "recommendation": None if found.recommendation is None else _as_written(found.recommendation),
    }
    return {key: value for key, value in status.items() if value is not None}


def _told(live: LiveConfig) -> dict[str, Any]:
    """What engines are told: only what is in the cluster. A generation that could not be written is not used up."""
    return {"mode": str(live.mode), "generation": live.generation, "retainFrom": live.retain_from}


def _startup(found: Findings) -> dict[str, Any] | None:
    figures = {"longestSeconds": found.starts.longest, "allowedSeconds": allowance_of(found.deployment)}
    return {key: value for key, value in figures.items() if value is not None} or None


def _as_written(knobs: Knobs) -> dict[str, Any]:
    """Knobs as the user would write them into spec.balance.knobs."""
    return {
        "prefetchShare": knobs.prefetch_share,
        "loadBandwidth": {tier: str(round(rate)) for tier, rate in knobs.load_bandwidth_bytes_per_second.items()},
        "writeBandwidth": {tier: str(round(rate)) for tier, rate in knobs.write_bandwidth_bytes_per_second.items()},
        "prefixTokenShare": knobs.prefix_token_share,
        "minimumLoadTokens": knobs.minimum_load_tokens,
        "retainFrom": knobs.retain_from,
        "writeRest": knobs.write_rest,
    }
