"""A CakeDeployment as the questions of `kubectl cake` have it: the JSON of `-o json`, and what the views show. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cake_operator.render.naming import claim_name
from cake_operator.status.conditions import ConditionType

__all__ = ["Object", "summary"]

Object = Mapping[str, Any]

# How a condition stands when all is well; Progressing has no such state, its reason tells.
WELL: Final = {
    ConditionType.READY: "True",
    ConditionType.SLO_MET: "True",
    ConditionType.METRICS_AVAILABLE: "True",
    ConditionType.BALANCE_APPLIED: "True",
    ConditionType.TIER_DEGRADED: "False",
    ConditionType.REPLICAS_CONTESTED: "False",
}


def summary(cake: Object) -> dict[str, Any]:
    """What there is to say of a CakeDeployment; what is not known is left out."""
    meta, spec, status = cake["metadata"], cake.get("spec") or {}, cake.get("status") or {}
    return _known(
        {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "model": (spec.get("model") or {}).get("name"),
            "tenant": spec.get("tenant"),
            "generation": meta.get("generation"),
            "observedGeneration": status.get("observedGeneration"),
            "replicas": _replicas(spec, status),
            "slo": _slo(spec.get("slo") or {}, status.get("slo") or {}),
            "conditions": [_condition(one) for one in status.get("conditions") or ()],
            "tiers": [_tier(meta["name"], tier) for tier in spec.get("kvTiers") or ()],
            "startup": status.get("startup"),
            "balance": _balance(spec.get("balance") or {}, status.get("balance") or {}),
        }
    )


def _replicas(spec: Object, status: Object) -> dict[str, Any]:
    """How many pods, and why so many."""
    bounds, decided = spec.get("scaling") or {}, status.get("scaling") or {}
    return _known(
        {
            "desired": decided.get("desiredReplicas"),
            "running": status.get("replicas"),
            "ready": status.get("readyReplicas"),
            "fixed": spec.get("replicas"),
            "least": bounds.get("minReplicas"),
            "most": bounds.get("maxReplicas"),
            "reason": decided.get("reason"),
            "valid": decided.get("valid"),
        }
    )


def _slo(spec: Object, status: Object) -> dict[str, Any]:
    return {"state": status.get("state", "Unknown"), "targets": list(_targets(spec, status))}


def _targets(spec: Object, status: Object) -> Iterator[dict[str, Any]]:
    for latency in ("ttft", "interTokenLatency"):
        wanted = spec.get(latency)
        if wanted is not None:
            target = {"latency": latency, "percentile": wanted.get("percentile", 90), "target": wanted.get("target")}
            yield _known({**target, "measured": status.get(latency)})


def _condition(condition: Object) -> dict[str, Any]:
    """A condition with whether it is as it should be: True, False, or None while that is open."""
    kind, status, reason = (condition.get(key, "") for key in ("type", "status", "reason"))
    if kind == ConditionType.PROGRESSING:
        well = None if status == "True" else reason == "Complete"
    elif status == "Unknown" or kind not in WELL:
        well = None
    else:
        well = status == WELL[kind]
    found = {"type": kind, "status": status, "reason": reason, "message": condition.get("message", ""), "well": well}
    return {**found, "since": condition.get("lastTransitionTime")}


def _tier(name: str, tier: Object) -> dict[str, Any]:
    claim = tier.get("persistentVolumeClaim")
    if claim is not None:
        place = claim.get("claimName") or claim_name(name, tier["name"])
        folder = claim.get("path")
        where = f"claim {place}, folder {folder}" if folder else f"claim {place}"
    else:
        where = "memory of each pod" if tier.get("memory") is not None else "scratch space of each node"
    return _known(
        {
            "name": tier["name"],
            "where": where,
            "capacity": str(tier["capacity"]),
            "ttl": tier.get("ttl"),
            "codec": tier.get("codec"),
        }
    )


def _balance(spec: Object, status: Object) -> dict[str, Any]:
    """What the engines are told, what was expected of it, and what they confirmed and did."""
    told = ("mode", "generation", "confirmedGeneration", "retainFrom", "meetingPoint", "predictedMeetingPoint")
    more = {key: status.get(key) for key in (*told, "reason", "recommendation")}
    return _known({"tuning": spec.get("tuning"), **more})


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}
