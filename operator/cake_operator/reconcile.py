"""One CakeDeployment, once: observe, decide, render, apply, status.

Every path is this one: creation, change, drift, restart, a new figure. It is called with nothing but a key and reads
what there is to know when it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import ValidationError

from cake_engine.config import Knobs, LiveConfig
from cake_operator import instruments
from cake_operator.api import CakeDeployment, CakeDeploymentSpec, Readings
from cake_operator.apply.cache import Cache, Key, Object
from cake_operator.apply.children import Children, OwnerGoneError
from cake_operator.apply.client import Client
from cake_operator.apply.events import Recorder
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS
from cake_operator.apply.parting import write_costs
from cake_operator.apply.seeing import Seen, neighbours, see
from cake_operator.apply.statuses import write_status
from cake_operator.observe.snapshot import DeploymentSnapshot, FleetSnapshot
from cake_operator.policy import balance, scaling
from cake_operator.policy.balance import BalanceHistory
from cake_operator.policy.confirmation import confirmation
from cake_operator.policy.contention import Contention, ContentionHistory, contend
from cake_operator.policy.decision import Decision
from cake_operator.policy.knobs import starting_knobs
from cake_operator.policy.laws import Laws
from cake_operator.policy.parting import deletion_costs
from cake_operator.policy.scaling import ScalingHistory
from cake_operator.policy.slo import judge
from cake_operator.render.children import render
from cake_operator.render.merging import MergeError
from cake_operator.render.settings import RenderSettings
from cake_operator.render.tenant import SALT_BYTES, tenant_secrets
from cake_operator.render.tuning_config import knobs_of, next_live
from cake_operator.status.attention import PATIENCE, overlooked_since
from cake_operator.status.claims import claim_troubles
from cake_operator.status.faults import sentence_of
from cake_operator.status.happenings import happenings
from cake_operator.status.report import Findings, report, report_invalid
from cake_operator.status.room import room_troubles, write_troubles
from cake_operator.status.sharing import sharing_troubles
from cake_operator.status.starts import Starts, watch_starts
from cake_operator.status.troubles import Trouble

Clock = Callable[[], datetime]
Entropy = Callable[[int], bytes]
"""So many bytes that nobody can guess."""


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
    """

    scaling: Decision[int]
    contention: Contention
    replicas: int | None
    balance: Decision[Knobs]
    live: LiveConfig


class Reconciler:
    """Brings CakeDeployments to what their specs ask for.

    Attributes:
        fleet: The newest figures; set by the metrics loop.
    """

    def __init__(
        self, client: Client, cache: Cache, settings: RenderSettings, laws: Laws, *, clock: Clock, entropy: Entropy
    ) -> None:
        self.fleet = FleetSnapshot(clock(), error="Prometheus has not been asked yet.")
        self._client = client
        self._cache = cache
        self._children = Children(client, cache)
        self._recorder = Recorder(client)
        self._settings = settings
        self._laws = laws
        self._clock = clock
        self._entropy = entropy
        self._memories: dict[Key, Memory] = {}
        self._readings = Readings()

    async def reconcile(self, key: Key) -> datetime | None:
        """Do what is needed now. Returns when time alone may ask for more; None when only events can.

        Raises:
            ApiError: The API server cannot do it now: try again later.
        """
        stored, now = self._cache.get(CAKE_DEPLOYMENTS, *key), self._clock()
        if stored is None or stored["metadata"].get("deletionTimestamp"):
            self._memories.pop(key, None)  # owner references do the deleting
            self._readings.forget(*key)
            self._children.forget(key)
            return None
        try:
            resource = self._readings.read(stored)
            # observe
            snapshot, seen = self.fleet.of(*key), see(self._cache, resource)
            # decide
            reached = ((stored.get("status") or {}).get("balance") or {}).get("generation", 0)
            memory = self._remember(key, resource.metadata.uid, stored)
            decided, memory = decide(resource, seen, snapshot, memory, laws=self._laws, reached=reached, now=now)
            self._memories[key] = memory
            _count(decided, seen)
            longest = memory.starts.longest
            failures, order = [], (resource, decided.replicas, decided.live, seen.one_node, longest)
            if not self._children.settled(key, order):
                # render
                children = render(
                    resource,
                    decided.replicas,
                    decided.live,
                    self._settings,
                    one_node=seen.one_node,
                    present=seen.deployment,
                    longest_start=longest,
                )
                secrets = tenant_secrets(resource, self._entropy(SALT_BYTES))
                # apply
                await self._choose_who_goes(key, seen, snapshot, decided)
                failures = await self._children.bring_to(key, resource.metadata.uid, order, children, secrets)
                seen = see(self._cache, resource)  # anew: what was just applied is part of it
        except (ValidationError, MergeError) as error:
            await self._refuse(stored, error, now)
            return None
        except OwnerGoneError:
            self._cache.forget(CAKE_DEPLOYMENTS, stored)
            return None
        # status
        overlooked = overlooked_since(memory.overlooked, seen.deployment, now)
        self._memories[key] = replace(memory, overlooked=overlooked)
        if overlooked is not None and now < overlooked + PATIENCE:
            return overlooked + PATIENCE
        found = self._findings(resource, seen, snapshot, decided, memory=memory, failures=failures)
        status = report(resource, stored["metadata"]["generation"], stored.get("status") or {}, found, now)
        await self._tell(stored, status, now)
        return min((until for until in (decided.scaling.until, decided.balance.until) if until > now), default=None)

    async def _choose_who_goes(self, key: Key, seen: Seen, snapshot: DeploymentSnapshot, decided: Decided) -> None:
        """Before there are fewer pods, say which of them have the least to finish."""
        if decided.replicas is not None and decided.replicas < seen.replicas:
            costs = deletion_costs(seen.ready_pods, snapshot.work)
            await write_costs(self._client, self._cache, key[0], costs)

    def _remember(self, key: Key, uid: str, stored: Object) -> Memory:
        """What was decided before; what status tells of it where another process, or another of that name, did."""
        memory = self._memories.get(key)
        if memory is not None and memory.uid == uid:
            return memory
        startup = (stored.get("status") or {}).get("startup") or {}
        return Memory(uid, starts=Starts(longest=startup.get("longestSeconds")))

    async def _refuse(self, stored: Object, error: ValidationError | MergeError, now: datetime) -> None:
        """Say what is wrong with a spec that cannot be carried out; what runs stays as it is."""
        faults = sentence_of(error) if isinstance(error, ValidationError) else str(error)
        status = report_invalid(stored["metadata"]["generation"], stored.get("status") or {}, faults, now)
        await self._tell(stored, status, now)

    async def _tell(self, stored: Object, status: Object, now: datetime) -> None:
        """Write what is new in status, and post what happened since the last one as Events."""
        if await write_status(self._client, self._cache, stored, status):
            await self._recorder.post(stored, happenings(stored.get("status") or {}, status), now)

    def _findings(
        self,
        resource: CakeDeployment,
        seen: Seen,
        snapshot: DeploymentSnapshot,
        decided: Decided,
        *,
        memory: Memory,
        failures: list[Trouble],
    ) -> Findings:
        others = neighbours(self._cache, self._readings, resource, seen)
        tiers = [tier.name for tier in resource.spec.kv_tiers]
        wanted = decided.scaling.value if decided.replicas is not None else seen.replicas
        return Findings(
            deployment=seen.deployment,
            pods=seen.pods,
            wanted=wanted,
            snapshot=snapshot,
            metrics_error=self.fleet.error,
            claims=claim_troubles(seen.claim_uses, seen.claims, wanted),
            tiers=[
                *write_troubles(tiers, seen.claim_uses, snapshot),
                *room_troubles(seen.claim_uses, seen.claims, others),
                *sharing_troubles(seen.claim_uses, others),
            ],
            failures=failures,
            scaling=decided.scaling,
            balance=decided.balance,
            recommendation=memory.balance.recommendation,
            live=seen.live,
            confirmation=confirmation(snapshot, seen.ready_pods, (seen.live or decided.live).generation),
            slo=judge(resource.spec.slo, snapshot, len(seen.ready_pods)),
            contention=decided.contention,
            starts=memory.starts,
        )


def _count(decided: Decided, seen: Seen) -> None:
    """Count what was decided, against what is there."""
    instruments.DECISIONS.labels("scaling", decided.scaling.outcome(seen.replicas)).inc()
    instruments.DECISIONS.labels("balance", decided.balance.outcome(knobs_of(seen.live) if seen.live else None)).inc()


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
    live = next_live(spec.balance, knobs.value, seen.live, reached)
    asked = memory.contention.asked
    starts = watch_starts(memory.starts, seen.pods)
    return Decided(replicas, contention, asked, knobs, live), replace(
        memory, balance=balance_history, knobs=knobs.value, starts=starts
    )


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
