"""What one CakeDeployment is to have, by all policies together. Pure: it asks neither the cluster nor the clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from cake_engine.config import Knobs, LiveConfig
from cake_operator.api import CakeDeployment, CakeDeploymentSpec
from cake_operator.apply.seeing import Seen
from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_operator.policy import balance, scaling
from cake_operator.policy.balance import BalanceHistory
from cake_operator.policy.confirmation import confirmation
from cake_operator.policy.contention import Contention, ContentionHistory, contend
from cake_operator.policy.decision import Decision
from cake_operator.policy.knobs import starting_knobs
from cake_operator.policy.laws import Laws
from cake_operator.policy.scaling import ScalingHistory
from cake_operator.render.tuning_config import first_token_deadline, knobs_of, next_live
from cake_operator.status.starts import Starts, watch_starts

__all__ = ["Decided", "Memory", "decide"]


@dataclass(frozen=True)
class Memory:
    """What is remembered of one CakeDeployment between reconciles; a restart begins with an empty one.

    Attributes:
        overlooked: Since when Kubernetes has not looked at the Deployment; None where it has.
    """

    uid: str
    scaling: ScalingHistory = field(default_factory=ScalingHistory)
    balance: BalanceHistory = field(default_factory=BalanceHistory)
    contention: ContentionHistory = field(default_factory=ContentionHistory)
    knobs: Knobs | None = None
    starts: Starts = field(default_factory=Starts)
    overlooked: datetime | None = None


@dataclass(frozen=True)
class Decided:
    """How many pods, and which knobs.

    Attributes:
        replicas: What the Deployment is asked for; None while that is left to another.
        until: When time alone may decide otherwise of what was seen; None where only something new can.
    """

    scaling: Decision[int]
    contention: Contention
    replicas: int | None
    balance: Decision[Knobs]
    live: LiveConfig
    until: datetime | None


def decide(
    resource: CakeDeployment,
    seen: Seen,
    snapshot: DeploymentSnapshot,
    memory: Memory,
    *,
    laws: Laws,
    reached: int,
    now: datetime,
) -> tuple[Decided, Memory]:
    """Ask the policies. Pure.

    Args:
        resource: What is asked for.
        seen: What is there.
        snapshot: What was measured.
        memory: What the last call returned.
        laws: The figures of scaling and tuning.
        reached: The newest generation of the live configuration that status tells of.
        now: The moment.
    """
    spec, ready = resource.spec, seen.ready_pods
    replicas, contention, memory = _scale(spec, seen, snapshot, memory, laws=laws, now=now)
    confirmed = confirmation(snapshot, ready, seen.live.generation if seen.live else reached)
    # What was decided last, not what the ConfigMap says: an edit by hand is undone. After a restart it is all there is.
    current = memory.knobs or (knobs_of(seen.live) if seen.live else starting_knobs(spec.balance))
    below_memory = [tier.name for tier in spec.kv_tiers[1:]]
    knobs, balance_history = balance.decide(
        spec.balance,
        below_memory,
        snapshot=snapshot,
        current=current,
        published=knobs_of(seen.live) if seen.live else None,
        confirmation=confirmed,
        history=memory.balance,
        now=now,
        law=laws.tuning,
    )
    live = next_live(spec.balance, knobs.value, seen.live, reached, first_token_deadline(spec))
    starts = watch_starts(memory.starts, seen.pods)
    memory = replace(memory, balance=balance_history, knobs=knobs.value, starts=starts)
    ends = (replicas.until, knobs.until, memory.contention.forgets(now))
    until = min((end for end in ends if end is not None and end > now), default=None)
    return Decided(replicas, contention, memory.contention.asked, knobs, live, until), memory


def _scale(
    spec: CakeDeploymentSpec, seen: Seen, snapshot: DeploymentSnapshot, memory: Memory, *, laws: Laws, now: datetime
) -> tuple[Decision[int], Contention, Memory]:
    """How many pods, by whoever may say so: what we would ask for, or what another has set."""
    decision, history = scaling.decide(
        spec.scaling,
        spec.slo,
        fixed=spec.replicas,
        snapshot=snapshot,
        history=memory.scaling,
        current_replicas=seen.replicas,
        ready_replicas=len(seen.ready_pods),
        now=now,
        law=laws.scaling,
    )
    contention, contended = contend(
        memory.contention,
        owner=seen.replicas_owner,
        generation=seen.generation,
        seen=seen.replicas,
        fixed=spec.replicas,
        scaled=spec.slo is not None,
        now=now,
    )
    asked: int | None = decision.value
    if contention.left_to is not None:
        reason = f"spec.replicas of the Deployment is left to {contention.left_to}"
        decision, asked = Decision(seen.replicas, reason, True, now), None
    memory = replace(memory, scaling=history, contention=replace(contended, asked=asked))
    return decision, contention, memory
