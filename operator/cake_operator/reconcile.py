"""One CakeDeployment, once: observe, decide, render, apply, status.

Every path is this one: creation, change, drift, restart, a new figure. It is called with nothing but a key and reads
what there is to know when it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from pydantic import ValidationError

from cake_engine.config import LiveConfig
from cake_operator import instruments
from cake_operator.api import CakeDeployment, Readings
from cake_operator.apply.cache import Cache, Key, Object
from cake_operator.apply.children import Children, OwnerGoneError
from cake_operator.apply.client import Client
from cake_operator.apply.events import Recorder
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS
from cake_operator.apply.parting import write_costs
from cake_operator.apply.reads import Reads
from cake_operator.apply.seeing import Seen, neighbours, see
from cake_operator.apply.statuses import write_status
from cake_operator.deciding import Decided, Memory, decide
from cake_operator.observe.snapshot import DeploymentSnapshot, FleetSnapshot
from cake_operator.policy.confirmation import confirmation
from cake_operator.policy.laws import Laws
from cake_operator.policy.parting import deletion_costs
from cake_operator.policy.slo import judge
from cake_operator.quiet import Outcomes, Quiet, QuietLooks
from cake_operator.render.children import render
from cake_operator.render.merging import MergeError
from cake_operator.render.settings import RenderSettings
from cake_operator.render.tenant import SALT_BYTES, tenant_secrets
from cake_operator.render.tuning_config import knobs_of
from cake_operator.status.attention import Attention, overlooked_since
from cake_operator.status.claims import claim_troubles
from cake_operator.status.faults import sentence_of
from cake_operator.status.happenings import happenings
from cake_operator.status.report import Findings, report, report_invalid
from cake_operator.status.room import room_troubles, write_troubles
from cake_operator.status.sharing import sharing_troubles
from cake_operator.status.starts import Starts
from cake_operator.status.troubles import Trouble

Clock = Callable[[], datetime]
Entropy = Callable[[int], bytes]
"""So many bytes that nobody can guess."""
Order = tuple[CakeDeployment, int | None, LiveConfig, bool, int | None]
"""What children are rendered from: resource, replicas, live configuration, whether one node, the longest start."""


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
        self._quiet = QuietLooks()
        self._attention = Attention()
        self._readings = Readings()

    async def reconcile(self, key: Key) -> datetime | None:
        """Do what is needed now. Returns when time alone may ask for more; None when only events can.

        Raises:
            ApiError: The API server cannot do it now: try again later.
        """
        now = self._clock()
        if (quiet := self._quiet.standing(key, self.fleet, now)) is not None:
            instruments.SPARED.inc()
            _count(quiet.outcomes)
            return quiet.until
        reads = Reads(self._cache)
        stored = reads.get(CAKE_DEPLOYMENTS, *key)
        if stored is None or stored["metadata"].get("deletionTimestamp"):
            self._memories.pop(key, None)  # owner references do the deleting
            self._readings.forget(*key)
            self._children.forget(key)
            return None
        try:
            resource = self._readings.read(stored)
            # observe
            fleet = self.fleet
            snapshot, seen = fleet.of(*key), see(reads, resource)
            # decide
            reached = ((stored.get("status") or {}).get("balance") or {}).get("generation", 0)
            before = self._remember(key, resource.metadata.uid, stored)
            decided, memory = decide(resource, seen, snapshot, before, laws=self._laws, reached=reached, now=now)
            self._memories[key] = memory
            outcomes = _outcomes(decided, seen)
            _count(outcomes)
            failures, order = [], (resource, decided.replicas, decided.live, seen.one_node, memory.starts.longest)
            settled = self._children.settled(key, order)
            if not settled:
                # render, apply
                failures = await self._bring_to(key, order, seen, snapshot)
                seen = see(reads, resource)  # anew: what was just applied is part of it
        except (ValidationError, MergeError) as error:
            await self._refuse(stored, error, now)
            return None
        except OwnerGoneError:
            self._cache.forget(CAKE_DEPLOYMENTS, stored)
            return None
        # status
        overlooked = overlooked_since(memory.overlooked, seen.deployment, now)
        patience = self._attention.patience(urgent=bool(failures) or not stored.get("status"))
        if overlooked is not None and now < overlooked + patience:
            self._memories[key] = replace(memory, overlooked=overlooked)
            return overlooked + patience
        if (since := overlooked or memory.overlooked) is not None:
            self._attention.took(now - since)  # and longer, where Kubernetes still has not looked
        self._memories[key] = memory = replace(memory, overlooked=overlooked)
        found = self._findings(resource, reads, seen, snapshot, decided, memory=memory, failures=failures)
        status = report(resource, stored["metadata"]["generation"], stored.get("status") or {}, found, now)
        written = await self._tell(stored, status, now)
        if settled and not written and memory == before:
            self._quiet.note(key, Quiet(now, reads, snapshot, fleet.error, outcomes, decided.until))
        return decided.until

    async def _bring_to(self, key: Key, order: Order, seen: Seen, snapshot: DeploymentSnapshot) -> list[Trouble]:
        """Render the children, and apply those that differ. Returns what was refused."""
        resource, replicas, live, one_node, longest_start = order
        children = render(
            resource,
            replicas,
            live,
            self._settings,
            one_node=one_node,
            present=seen.deployment,
            longest_start=longest_start,
        )
        secrets = tenant_secrets(resource, self._entropy(SALT_BYTES))
        await self._choose_who_goes(key, seen, snapshot, replicas)
        return await self._children.bring_to(key, resource.metadata.uid, order, children, secrets)

    async def _choose_who_goes(self, key: Key, seen: Seen, snapshot: DeploymentSnapshot, replicas: int | None) -> None:
        """Before there are fewer pods, say which of them have the least to finish."""
        if replicas is not None and replicas < seen.replicas:
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

    async def _tell(self, stored: Object, status: Object, now: datetime) -> bool:
        """Write what is new in status, and post what happened since the last one as Events. Whether there was any."""
        written = await write_status(self._client, self._cache, stored, status)
        if written:
            await self._recorder.post(stored, happenings(stored.get("status") or {}, status), now)
        return written

    def _findings(
        self,
        resource: CakeDeployment,
        reads: Reads,
        seen: Seen,
        snapshot: DeploymentSnapshot,
        decided: Decided,
        *,
        memory: Memory,
        failures: list[Trouble],
    ) -> Findings:
        others = neighbours(reads, self._readings, resource, seen)
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


def _outcomes(decided: Decided, seen: Seen) -> Outcomes:
    """What came of each decision, against what is there."""
    knobs = knobs_of(seen.live) if seen.live else None
    return ("scaling", decided.scaling.outcome(seen.replicas)), ("balance", decided.balance.outcome(knobs))


def _count(outcomes: Outcomes) -> None:
    for kind, outcome in outcomes:
        instruments.DECISIONS.labels(kind, outcome).inc()
