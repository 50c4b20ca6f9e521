"""What spec and status say of each CakeDeployment, as metrics: what alerts and dashboards join with the engines' own.

Read when they are scraped, so that they are as new as what the operator has seen. Every replica has them, the acting
one and those that stand by: whoever queries takes the maximum over replicas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from pydantic import ValidationError

from cake_operator.api import SloSpec
from cake_operator.apply.cache import Cache, Object
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS
from cake_operator.apply.mounts import tier_claims
from cake_operator.observe.promql import OWNER

__all__ = ["FLEET", "FleetCollector", "FleetGauge"]

Samples = Iterable[tuple[Sequence[str], float]]
"""Values of a gauge's own labels, and the figure."""


@dataclass(frozen=True)
class FleetGauge:
    """One gauge that has series for each CakeDeployment.

    Attributes:
        name: As on /metrics.
        meaning: One line of help.
        labels: Beside `namespace` and `cake_dev_deployment`.
        of: Its samples, from the CakeDeployment as stored.
    """

    name: str
    meaning: str
    labels: tuple[str, ...]
    of: Callable[[Object], Samples]


class FleetCollector(Collector):
    """The gauges of all CakeDeployments in the cache; may be called in another thread than the cache's."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family a gauge, without samples where there is no CakeDeployment."""
        seen = [(key, self._cache.get(CAKE_DEPLOYMENTS, *key)) for key in self._cache.names(CAKE_DEPLOYMENTS)]
        fleet = [(key, stored) for key, stored in seen if stored is not None]  # one may have gone meanwhile
        for gauge in FLEET:
            family = GaugeMetricFamily(gauge.name, gauge.meaning, labels=[*OWNER, *gauge.labels])
            for key, stored in fleet:
                for labels, value in gauge.of(stored):
                    family.add_metric([*key, *labels], value)
            yield family


def _conditions(stored: Object) -> Samples:
    for one in _status(stored).get("conditions") or ():
        yield (one["type"], one["status"], one.get("reason", "")), 1


def _replicas(stored: Object) -> Samples:
    status = _status(stored)
    desired = _object(status.get("scaling")).get("desiredReplicas")
    for state, number in (("desired", desired), ("ready", status.get("readyReplicas"))):
        if number is not None:
            yield (state,), number


def _replicas_max(stored: Object) -> Samples:
    spec = _object(stored.get("spec"))
    low, high = (_object(spec.get("scaling")).get(bound, 1) for bound in ("minReplicas", "maxReplicas"))
    if spec.get("slo") is not None and spec.get("replicas") is None and low < high:
        yield (), high


def _slo_targets(stored: Object) -> Samples:
    slo = _slo(stored)
    for latency, wanted in {} if slo is None else slo.targets.items():
        yield (latency, str(wanted.percentile)), wanted.target.seconds


def _slo_objective(stored: Object) -> Samples:
    slo = _slo(stored)
    if slo is not None:
        yield (), slo.objective.fraction


def _generations(stored: Object) -> Samples:
    balance = _object(_status(stored).get("balance"))
    found = {
        "spec": stored["metadata"].get("generation"),
        "balance": balance.get("generation"),
        "balance_confirmed": balance.get("confirmedGeneration"),
    }
    yield from (((what,), number) for what, number in found.items() if number is not None)


def _tier_claims(stored: Object) -> Samples:
    yield from ((found, 1) for found in tier_claims(stored))


def _status(stored: Object) -> Object:
    return _object(stored.get("status"))


def _object(value: Any) -> Object:
    """What should be an object; one spec that older rules let in must not end the whole page."""
    return value if isinstance(value, dict) else {}


def _slo(stored: Object) -> SloSpec | None:
    slo = _object(stored.get("spec")).get("slo")
    try:
        return None if slo is None else SloSpec.model_validate(slo)
    except ValidationError:
        return None  # stored under older rules: the condition Ready says InvalidSpec, with the field


FLEET = (
    FleetGauge(
        "cake_operator_condition",
        "1 for each condition in the status of a CakeDeployment, as it is now.",
        ("type", "status", "reason"),
        _conditions,
    ),
    FleetGauge("cake_operator_replicas", "Replicas by state: desired (as decided last), ready.", ("state",), _replicas),
    FleetGauge(
        "cake_operator_replicas_max", "The most replicas, where the operator scales by the slo.", (), _replicas_max
    ),
    FleetGauge(
        "cake_operator_slo_target_seconds",
        "What the percentile of a latency (ttft, inter_token_latency) must not exceed.",
        ("latency", "percentile"),
        _slo_targets,
    ),
    FleetGauge(
        "cake_operator_slo_objective_ratio", "Share of the window in which the targets must be met.", (), _slo_objective
    ),
    FleetGauge(
        "cake_operator_generation",
        "Generations: of the spec, of the balance as written, of the balance as confirmed by all pods.",
        ("of",),
        _generations,
    ),
    FleetGauge("cake_operator_tier_claim", "1 for each tier that lies on a claim.", ("tier", "claim"), _tier_claims),
)
"""What is told of each CakeDeployment."""
