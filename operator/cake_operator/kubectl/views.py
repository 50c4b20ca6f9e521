"""What a terminal shows of summaries: one view a question. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from cake_operator.kubectl.cells import STYLES, age, cell, table

__all__ = ["explain_view", "status_view", "top_view"]

Summary = Mapping[str, Any]


def status_view(summary: Summary, now: datetime) -> RenderableType:
    """All that is known of one CakeDeployment."""
    conditions = [
        [
            cell(one["type"]),
            cell(one["status"], style=STYLES[one["well"]]),
            cell(one["reason"]),
            cell(age(one.get("since"), now)),
            cell(one["message"]),
        ]
        for one in summary.get("conditions", ())
    ]
    tiers = [
        [*(cell(tier.get(key)) for key in ("name", "capacity", "ttl", "codec", "where"))]
        for tier in summary.get("tiers", ())
    ]
    return Group(
        Text(f"{summary['namespace']}/{summary['name']}", style="bold"),
        table("", "", rows=[[cell(name), cell(said)] for name, said in _facts(summary)]),
        Text(),
        table("CONDITION", "STATUS", "REASON", "SINCE", "MESSAGE", rows=conditions),
        Text(),
        table("TIER", "CAPACITY", "TTL", "CODEC", "WHERE", rows=tiers),
    )


def top_view(summaries: Sequence[Summary]) -> RenderableType:
    """One line for each CakeDeployment, with what is wrong first."""
    rows = []
    for one in summaries:
        replicas, balance, measured = one.get("replicas", {}), one.get("balance", {}), _measured(one)
        wrong = next((condition for condition in one.get("conditions", ()) if condition["well"] is False), None)
        ready = f"{replicas.get('ready', 0)}/{replicas.get('desired', '?')}"
        state = one.get("slo", {}).get("state")
        rows.append(
            [
                cell(one["namespace"]),
                cell(one["name"]),
                cell(ready),
                cell(measured.get("ttft")),
                cell(measured.get("interTokenLatency")),
                cell(state, style=STYLES[{"Met": True, "Missed": False}.get(str(state))]),
                cell(balance.get("mode")),
                cell(balance.get("meetingPoint")),
                cell(f"{wrong['reason']}: {wrong['message']}" if wrong else None, style=STYLES[wrong is None]),
            ]
        )
    return table("NAMESPACE", "NAME", "READY", "TTFT", "INTER-TOKEN", "SLO", "MODE", "MEETS-AT", "TROUBLE", rows=rows)


def explain_view(summary: Summary, decided: Sequence[Summary], now: datetime) -> RenderableType:
    """Why things are as they are, and what led there."""
    reasons = [
        [cell("replicas"), cell(summary.get("replicas", {}).get("reason"))],
        [cell("balance"), cell(summary.get("balance", {}).get("reason"))],
        *(
            [cell(one["type"], style=STYLES[one["well"]]), cell(f"{one['reason']}: {one['message']}")]
            for one in summary.get("conditions", ())
            if one["well"] is not True
        ),
    ]
    rows = [
        [
            cell(age(one["at"], now)),
            cell(f"x{one['count']}" if one["count"] > 1 else None),
            cell(one["reason"], style=STYLES[not one["warning"]]),
            cell(one["message"]),
        ]
        for one in decided
    ]
    past: RenderableType = table("AGO", "TIMES", "DECISION", "WHY", rows=rows)
    return Group(
        table("NOW", "WHY", rows=reasons), Text(), past if rows else Text("Nothing was decided in the last hour.")
    )


def _facts(summary: Summary) -> Iterator[tuple[str, str]]:
    """The head of a status, line by line."""
    replicas, balance = summary.get("replicas", {}), summary.get("balance", {})
    yield "model", str(summary.get("model", "-"))
    if tenant := summary.get("tenant"):
        yield "tenant", str(tenant)
    seen = summary.get("observedGeneration")
    if seen != summary.get("generation"):
        yield "spec", f"generation {summary.get('generation')}, of which the operator has acted on {seen or 'none'} yet"
    yield "replicas", f"{replicas.get('ready', 0)} ready of {replicas.get('desired', '?')} ({_bounds(replicas)})"
    yield "why", str(replicas.get("reason", "-"))
    if startup := summary.get("startup"):
        yield "starts", _starts(startup)
    for target in summary.get("slo", {}).get("targets", ()):
        measured = target.get("measured", "not measured")
        yield target["latency"], f"p{target['percentile']} is {measured}, and shall be {target['target']} at most"
    yield "balance", _balance(balance)
    yield "why", str(balance.get("reason", "-"))
    if "recommendation" in balance:
        wanted = ", ".join(
            f"{knob} {value}" for knob, value in balance["recommendation"].items() if value not in ({}, None)
        )
        yield "advice", f"tuning would set {wanted}"


def _bounds(replicas: Summary) -> str:
    if "fixed" in replicas:
        return "spec.replicas says so"
    return f"between {replicas.get('least', 1)} and {replicas.get('most', 1)}"


def _starts(startup: Summary) -> str:
    longest = startup.get("longestSeconds")
    seen = "none was measured yet" if longest is None else f"the longest took {longest} s"
    return f"{seen}; {startup['allowedSeconds']} s are allowed" if "allowedSeconds" in startup else seen


def _balance(balance: Summary) -> str:
    """Mode, what was expected of it, and what the engines confirm and do."""
    told, confirmed = balance.get("generation"), balance.get("confirmedGeneration")
    said = "confirmed by every ready pod" if told == confirmed else f"confirmed up to {confirmed or 'none'}"
    points = (("predicted", balance.get("predictedMeetingPoint")), ("measured", balance.get("meetingPoint")))
    met = ", ".join(f"{name} {point:.2f}" for name, point in points if point is not None)
    engines = f"{balance.get('mode', '-')}, generation {told or '-'} {said}"
    return f"{engines}; computed part of prefixes: {met or 'not measured'}"


def _measured(summary: Summary) -> dict[str, str]:
    targets = summary.get("slo", {}).get("targets", ())
    return {target["latency"]: target["measured"] for target in targets if "measured" in target}
