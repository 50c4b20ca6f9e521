"""From a fault and a seed to what happens, and when: the same in every run. Pure."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.faults.events import (
    Blow,
    ClockJump,
    Conflict,
    Edit,
    EtcdRestart,
    Event,
    Figures,
    Kill,
    KillLater,
    Late,
    Lose,
    NamespaceGone,
    Newer,
    Outage,
    Quota,
    Refuse,
    Telling,
    Watch,
)
from tests.faults.stages import BY_FIGURES, SPEC, WRITING, Stage

Draw = Callable[[random.Random, Stage], Event | None]

WATCHED = ("cakedeployments", "configmaps", "deployments", "persistentvolumeclaims", "pods", "services")
"""Whose watches are struck: those of what the stages touch."""

WRITES = {
    Stage.CREATE: 7,
    Stage.ROLLOUT: 2,
    Stage.SCALE_UP: 2,
    Stage.SCALE_DOWN: 2,
    Stage.RETUNE: 2,
    Stage.PRUNE: 4,
    Stage.DRIFT: 2,
}
"""How many writes each stage has at least."""

NONSENSE: tuple[Any, ...] = (
    {"data": {"tuning.json": "not json"}},
    {"data": {"tuning.json": ""}},
    {"data": {"tuning.json": "[]"}},
    {"data": {"tuning.json": '{"generation": "many"}'}},
    {"data": {"tuning.json": None}},
    {"data": None},
    {"data": {"tuning.json": None, "tuning.yaml": "mode: Adaptive"}},
    {"data": None, "binaryData": {"tuning.json": "AAECAw=="}},
)
"""What a hand can make of the live configuration, as merge patches."""

NEWER: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("speculation",), {"tokens": 3}),
    (("engine", "warmUp"), True),
    (("balance", "foresight"), "30s"),
    (("scaling", "predictive"), {"horizon": "5m"}),
)
"""Fields of specs to come."""

REFUSED = (
    "count/deployments.apps",
    "services",
    "configmaps",
    "persistentvolumeclaims",
    "count/poddisruptionbudgets.policy",
    "pods",
)
"""What a quota may be on."""


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: As the command line and the table call it.
        seeds: How many runs of it there are by default: seeds 0 and up.
        draw: Gives the event of one run.
        stages: The stages that it strikes in, in turn.
        cluster_wide: Whether its operator watches all namespaces, so that no other fault's may run beside it.
        measured: Whether its subjects have an objective, and pods that Prometheus scrapes.
        newer: Whether the CRD is that of a newer operator.
        writes: How many more writes a run may take than twice those without the fault.
    """

    name: str
    seeds: int
    draw: Draw
    stages: tuple[Stage, ...] = WRITING
    cluster_wide: bool = False
    measured: bool = False
    newer: bool = False
    writes: int = 8


@dataclass(frozen=True)
class Plan:
    """What happens in one run.

    Attributes:
        event: The fault; None in a run that shows how it goes without one.
    """

    fault: str
    seed: int
    stage: Stage
    event: Event | None


def plan(fault: Fault, seed: int) -> Plan:
    """The plan of one run: stages in turn, everything else drawn."""
    stage = fault.stages[seed % len(fault.stages)]
    # A string seeds the same in every process.
    return Plan(fault.name, seed, stage, fault.draw(random.Random(f"{fault.name} {seed}"), stage))


def _refuse(status: int, retry_after: int | None = None) -> Draw:
    # The client sends a request four times: more in a row go back to the queue.
    return lambda chance, _: Refuse(chance.randint(1, 2), chance.randint(1, 9), status, retry_after)


def _lose(chance: random.Random, stage: Stage) -> Event:
    return Lose(tuple(sorted(chance.sample(range(1, 9), 3))) if stage is Stage.CREATE else (1, 2))


def _late(chance: random.Random, _: Stage) -> Event:
    return Late((1, chance.randint(2, 4)), 5.0)


def _kill(chance: random.Random, stage: Stage) -> Event:
    if stage is Stage.DELETE:
        return KillLater(round(chance.uniform(0.0, 1.0), 3))
    return Kill(chance.randint(1, WRITES[stage]), chance.random() < 0.5)


def _watch(*blows: Blow) -> Draw:
    def draw(chance: random.Random, _: Stage) -> Event:
        return Watch(chance.choice(blows), frozenset(chance.sample(WATCHED, chance.randint(2, len(WATCHED)))))

    return draw


def _outage(chance: random.Random, _: Stage) -> Event:
    return Outage(round(chance.uniform(0.0, 0.5), 3), round(chance.uniform(2.0, 8.0), 3))


def _minute(chance: random.Random, _: Stage) -> Event:
    return Outage(round(chance.uniform(0.0, 0.5), 3), 60.0)


def _clock(chance: random.Random, _: Stage) -> Event:
    return ClockJump(chance.choice((-1, 1)) * chance.uniform(1, 48) * 3600)


def _edit(chance: random.Random, _: Stage) -> Event:
    name, patch = chance.choice([*(("tuning", one) for one in NONSENSE), ("engine", {"data": {"engine.json": "{"}})])
    return Edit(name, patch)


def _etcd(chance: random.Random, _: Stage) -> Event:
    return EtcdRestart(round(chance.uniform(0.0, 0.5), 3))


def _namespace(chance: random.Random, _: Stage) -> Event:
    return NamespaceGone(round(chance.uniform(0.0, 1.0), 3))


def _newer(chance: random.Random, _: Stage) -> Event:
    return Newer(*chance.choice(NEWER))


def _telling(fault: str, telling: Telling, stages: tuple[Stage, ...] = BY_FIGURES) -> Fault:
    return Fault(fault, 6, lambda chance, _: Figures(telling, chance.randint(2, 5)), stages, measured=True)


FAULTS: tuple[Fault, ...] = (
    Fault("429", 8, _refuse(429)),
    Fault("429 with Retry-After", 8, _refuse(429, 1)),
    Fault("500", 8, _refuse(500)),
    Fault("answer lost", 8, _lose),
    Fault("conflict", 8, lambda *_: Conflict()),
    Fault("slow", 8, _late),
    Fault("410 on a watch", 8, _watch(Blow.GONE_STATUS, Blow.GONE_EVENT), SPEC),
    Fault("watch cut", 8, _watch(Blow.CUT, Blow.CUT_IN_LINE), SPEC),
    Fault("watch silent", 8, _watch(Blow.SILENT), SPEC),
    Fault("API server down", 8, _outage, SPEC),
    Fault("API server down for 60 s", 8, _minute, SPEC),
    Fault("SIGKILL", 50, _kill, SPEC),
    Fault("ConfigMap nonsense", 8, _edit),
    _telling("Prometheus absent", Telling.UNREACHABLE),
    _telling("Prometheus 500", Telling.ERROR),
    _telling("Prometheus slow", Telling.SLOW),
    _telling("Prometheus wrong type", Telling.WRONG_TYPE),
    _telling("Prometheus empty", Telling.EMPTY),
    _telling("Prometheus NaN", Telling.NAN),
    _telling("Prometheus stale", Telling.STALE),
    _telling("one pod's series missing", Telling.POD_MISSING, (Stage.SHRINK,)),
    Fault("clock jump", 6, _clock, (Stage.HOLD,), measured=True),
    Fault("etcd restart", 7, _etcd, cluster_wide=True),
    Fault("newer fields", 8, _newer, cluster_wide=True, newer=True),
    Fault("namespace deleted", 8, _namespace, cluster_wide=True),
    Fault("quota", 6, lambda chance, _: Quota(chance.choice(REFUSED)), (Stage.CREATE,), cluster_wide=True, writes=60),
)

UNDISTURBED = Fault("none", len(SPEC), lambda *_: None, SPEC)
MEASURED = Fault("none measured", 3, lambda *_: None, (*BY_FIGURES, Stage.HOLD), measured=True)
"""How each stage goes without a fault: what the others are compared with."""


def named(name: str) -> Fault:
    """The fault of that name.

    Raises:
        KeyError: There is none.
    """
    return {fault.name: fault for fault in FAULTS}[name]
