"""What is done to a CakeDeployment while a fault is at work: the moments of its life. Pure."""

import copy
from enum import StrEnum
from typing import Any

from tests.cluster.cakes import FIVE_FIELDS, MEMORY, NEVER_RUN, claimed

Object = dict[str, Any]


class Stage(StrEnum):
    """One change, from a state at rest to the next one."""

    CREATE = "create"
    ROLLOUT = "rollout"
    SCALE_UP = "scale up"
    SCALE_DOWN = "scale down"
    RETUNE = "retune"
    PRUNE = "prune"
    DRIFT = "drift"
    DELETE = "delete"
    GROW = "grow"
    SHRINK = "shrink"
    HOLD = "hold"


WRITING = (
    Stage.CREATE,
    Stage.ROLLOUT,
    Stage.SCALE_UP,
    Stage.SCALE_DOWN,
    Stage.RETUNE,
    Stage.PRUNE,
    Stage.DRIFT,
)
"""Those in which the operator has something to write at once: of a deletion it only hears."""

SPEC = (*WRITING, Stage.DELETE)
"""Those in which somebody changes the resource, or what was made for it."""

BY_FIGURES = (Stage.GROW, Stage.SHRINK)
"""Those in which figures ask for another number of replicas; in HOLD they ask for fewer, and a window is in the way."""

FEW, MANY = 1, 3
"""Replicas before and after somebody changes their number."""

WINDOW = {Stage.SHRINK: "0s", Stage.HOLD: "1h"}
"""For how long fewer replicas must be asked for before they are fewer."""


def before(stage: Stage) -> Object | None:
    """The spec that is at rest when a stage begins; None where there is nothing yet."""
    if stage is Stage.CREATE:
        return None
    if stage is Stage.GROW:
        return _scaled(1, 2)
    if stage in WINDOW:
        return _scaled(2, 2, window=WINDOW[stage])
    return _spec(replicas=MANY if stage is Stage.SCALE_DOWN else FEW)


def after(stage: Stage) -> Object | None:
    """The spec that the stage brings; None where the resource is deleted."""
    match stage:
        case Stage.DELETE:
            return None
        case Stage.ROLLOUT:
            return _spec(engine={"args": ["--seed=7"], **NEVER_RUN})
        case Stage.SCALE_UP:
            return _spec(replicas=MANY)
        case Stage.RETUNE:
            return _spec(balance={"mode": "ComputeOnly", "tuning": "Off"})
        case Stage.PRUNE:
            return _spec(kvTiers=[MEMORY])
        case Stage.GROW:
            return before(stage)
        case Stage.SHRINK | Stage.HOLD:
            return _scaled(1, 2, window=WINDOW[stage])
        case _:
            return _spec()


def fewest(stage: Stage) -> int:
    """The replicas below which the fleet must not fall during a stage, from when it has a Deployment."""
    if stage is Stage.HOLD:
        return 2
    return min(asked(spec) for spec in (before(stage), after(stage)) if spec is not None)


def asked(spec: Object) -> int:
    """The replicas that a spec asks for at least."""
    return int(spec["replicas"] if "replicas" in spec else spec["scaling"]["minReplicas"])


def pods(stage: Stage) -> int:
    """How many pods there are once a stage is over: no new pod becomes ready, so no old one goes."""
    match stage:
        case Stage.DELETE:
            return 0
        case Stage.ROLLOUT | Stage.PRUNE:
            return FEW + 1
        case Stage.SCALE_UP:
            return MANY
        case Stage.GROW | Stage.HOLD:
            return 2
        case _:
            return FEW


def resource(namespace: str, name: str, spec: Object) -> Object:
    """The CakeDeployment as a user writes it."""
    made = copy.deepcopy(FIVE_FIELDS)
    made["metadata"] = {"name": name, "namespace": namespace}
    return {**made, "spec": {**made["spec"], **spec}}


def _spec(**fields: Any) -> Object:
    usual = {
        "replicas": FEW,
        "kvTiers": [MEMORY, claimed("shared", "Delete")],
        "balance": {"tuning": "Off"},
        "engine": NEVER_RUN,
    }
    return {**usual, **fields}


def _scaled(fewest: int, most: int, window: str = "300s") -> Object:
    scaling = {"minReplicas": fewest, "maxReplicas": most, "scaleDownStabilization": window}
    spec = _spec(slo={"ttft": {"target": "1s"}}, scaling=scaling)
    return {field: value for field, value in spec.items() if field != "replicas"}
