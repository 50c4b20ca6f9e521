"""Answers to snapshots: each deployment gets its figures, each figure its state. Pure."""

import math
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from cake_operator.observe.answers import Answer, Owner
from cake_operator.observe.queries import Query
from cake_operator.observe.sampling import Watched
from cake_operator.observe.snapshot import DeploymentSnapshot, Figure, State


def figure(value: float | None, age_seconds: float | None, stale_after: timedelta) -> Figure:
    """The figure for what was read: a value of which nobody can say how old it is counts as stale."""
    if value is None:
        return Figure(None, age_seconds, State.ABSENT)
    if age_seconds is None or age_seconds > stale_after.total_seconds():
        return Figure(None, age_seconds, State.STALE)
    if not math.isfinite(value):
        return Figure(None, age_seconds, State.NAN)
    return Figure(value, age_seconds, State.PRESENT)


def assemble(
    watched: Collection[Watched], answers: Mapping[Query, Answer], stale_after: timedelta
) -> dict[Owner, DeploymentSnapshot]:
    """The figures of every watched deployment; those of deployments that nobody watches are left out."""
    return {(w.namespace, w.name): _snapshot(w, answers, stale_after) for w in watched}


def _snapshot(watched: Watched, answers: Mapping[Query, Answer], stale_after: timedelta) -> DeploymentSnapshot:
    owner = (watched.namespace, watched.name)
    percentiles = {"ttft": watched.ttft_percentile, "inter_token_latency": watched.inter_token_percentile}
    fields: dict[str, Any] = {}
    for query, answer in answers.items():
        if query.percentile is not None and query.percentile != percentiles[query.figure]:
            continue
        values, ages = answer.values.get(owner, {}), answer.ages.get(owner, {})
        if query.by:
            fields[query.figure] = {part: figure(value, ages.get(part), stale_after) for part, value in values.items()}
        else:
            fields[query.figure] = figure(values.get(""), ages.get(""), stale_after)
    generations: Mapping[str, Figure] = fields.pop("generations", {})
    reported = {pod: int(f.value) for pod, f in generations.items() if f.value is not None}
    return DeploymentSnapshot(**fields, generations=reported)
