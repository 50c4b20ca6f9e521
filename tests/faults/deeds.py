"""What is done in a run: the stage, and the fault around it."""

import asyncio
import copy
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.faults import stages
from tests.faults.administrator import NAMESPACES, QUOTAS
from tests.faults.clock import Clock
from tests.faults.engines import Engines
from tests.faults.events import (
    ClockJump,
    Edit,
    EtcdRestart,
    Figures,
    KillLater,
    NamespaceGone,
    Newer,
    Outage,
    Quota,
    Telling,
    Watch,
)
from tests.faults.kept import KeptOperator
from tests.faults.plan import Plan
from tests.faults.stages import Stage
from tests.faults.subject import Subject
from tests.faults.telling import Teller
from tests.faults.until import NotReachedError, until
from tests.faults.wire import Wire
from tests.localcluster.local import LocalCluster

SAID = {
    Telling.UNREACHABLE: ("PrometheusFailed", "cannot be reached"),
    Telling.ERROR: ("PrometheusFailed", "refused a query"),
    Telling.SLOW: ("PrometheusFailed", "did not answer within"),
    Telling.WRONG_TYPE: ("PrometheusFailed", "did not answer as Prometheus does"),
    Telling.EMPTY: ("NoSeries", "reports a generation"),
    Telling.NAN: ("NoSeries", "reports a generation"),
    Telling.STALE: ("NoSeries", "reports a generation"),
    Telling.POD_MISSING: ("NoSeries", "not reporting"),
}
"""Reason and words of the condition MetricsAvailable."""

_one_restart = asyncio.Lock()


@dataclass
class Deeds:
    """What can be done to a subject, and around it.

    Attributes:
        engines: Those of the subject; None where nothing is measured.
    """

    subject: Subject
    cluster: LocalCluster
    operator: KeptOperator
    wire: Wire
    teller: Teller
    clock: Clock
    engines: Engines | None

    async def undisturbed(self, stage: Stage) -> None:
        """Do what the stage is about."""
        if self.engines is not None and stage is Stage.GROW:
            self.engines.idle = False
        await self.subject.enact(stage)

    async def under(self, plan: Plan) -> int:
        """The same under the fault; gives how often that struck, but for requests, which the wire counts.

        Raises:
            NotReachedError: What the fault makes due was not said, or what was to be held was not.
        """
        match plan.event:
            case Watch() as watch:
                struck = await self.wire.strike(watch)
                await self.undisturbed(plan.stage)
                return struck
            case KillLater(seconds):
                return await self._beside(plan, seconds, self._kill())
            case Outage(after, seconds):
                return await self._beside(plan, after, self.wire.outage(seconds))
            case EtcdRestart(after):
                return await self._beside(plan, after, self._restart_etcd())
            case NamespaceGone(after):
                return await self._with_its_namespace(plan, after)
            case ClockJump(seconds):
                return await self._jump(plan, seconds)
            case Edit(name, patch):
                await self.undisturbed(plan.stage)
                await self.subject.edit(name, patch)
                return 1
            case Quota(resource):
                return await self._refuse(plan, resource)
            case Newer(where, value):
                return await self._from_the_future(plan, where, value)
            case Figures(telling, rounds):
                return await self._mislead(plan, telling, rounds)
            case _:
                await self.undisturbed(plan.stage)
                return 0

    async def _beside(self, plan: Plan, after: float, deed: Coroutine[Any, Any, int]) -> int:
        """Do the stage, and something else a moment after it began."""

        async def later() -> int:
            await asyncio.sleep(after)
            return await deed

        struck, _ = await asyncio.gather(later(), self.undisturbed(plan.stage))
        return struck

    async def _kill(self) -> int:
        self.operator.kill()
        return 1

    async def _restart_etcd(self) -> int:
        async with _one_restart:
            restart = asyncio.create_task(asyncio.to_thread(self.cluster.restart, "etcd"))
            try:
                await asyncio.shield(restart)
            finally:
                # Told to end, we let it come to its end: an etcd that is started after the cluster was ended would be
                # waited for without end.
                await restart
        return 1

    async def _with_its_namespace(self, plan: Plan, after: float) -> int:
        """Do the stage, and delete the namespace a moment after."""
        await self.undisturbed(plan.stage)
        await asyncio.sleep(after)
        await self.subject.administrator.delete(NAMESPACES.path(None, self.subject.namespace))
        return 1

    async def _jump(self, plan: Plan, seconds: float) -> int:
        held = await self.subject.replicas()
        await self.undisturbed(plan.stage)
        self.clock.jump(seconds)
        await self._looks(4)
        await self._holds(held)
        return 1

    async def _refuse(self, plan: Plan, resource: str) -> int:
        """Refuse a child until that was told of."""
        path = QUOTAS.path(self.subject.namespace, "none")
        quota = {"apiVersion": QUOTAS.api_version, "kind": QUOTAS.name, "metadata": {"name": "none"}}
        await self.subject.administrator.apply(path, {**quota, "spec": {"hard": {resource: "0"}}})

        async def in_force() -> bool:
            stored = await self.subject.administrator.get(path)
            return bool((stored.get("status") or {}).get("hard"))

        await until(in_force, "the quota is in force")
        await self.undisturbed(plan.stage)
        # That the claim of the subject has no volume is told before that it has no pods.
        reason = None if resource == "pods" else "ApplyRefused"
        await self.subject.tells("Progressing", reason, "exceeded quota")
        await self.subject.administrator.delete(path)
        return 1

    async def _from_the_future(self, plan: Plan, where: tuple[str, ...], value: Any) -> int:
        """Write the spec with a field that is not known until that was told of."""
        before = await self.subject.children()
        spec = stages.after(plan.stage)
        assert spec is not None, "a spec is written in this stage"
        await self.subject.write(_with(spec, where, value))
        await self.subject.tells("Progressing", "InvalidSpec", f"spec.{'.'.join(where)}")
        await self._looks(2)
        if await self.subject.children() != before:
            raise NotReachedError("a spec that cannot be read changed what runs")
        await self.subject.write(spec)  # there are stages that do not write it
        await self.undisturbed(plan.stage)
        return 1

    async def _mislead(self, plan: Plan, telling: Telling, rounds: int) -> int:
        """Have Prometheus tell what is wrong, and see that it moves nothing."""
        async with self._wrong(telling):
            await self.subject.tells("MetricsAvailable", *SAID[telling])
            held, struck = await self.subject.replicas(), self.teller.struck
            await self.undisturbed(plan.stage)
            await self._looks(rounds)
            await self._holds(held)
        return self.teller.struck - struck if telling is not Telling.POD_MISSING else 1

    @asynccontextmanager
    async def _wrong(self, telling: Telling) -> AsyncIterator[None]:
        owner = (self.subject.namespace, self.subject.name)
        assert self.engines is not None, "figures are of engines"
        if telling is Telling.POD_MISSING:
            self.engines.pods[0].answers.clear()
        else:
            self.teller.begin(owner, telling)
        try:
            yield
        finally:
            self.teller.end(owner)
            self.engines.pods[0].answers.set()

    async def _looks(self, rounds: int) -> None:
        """Wait until the operator has looked at everything so many times more."""
        enough = await asyncio.to_thread(self.operator.rounds) + rounds

        async def passed() -> bool:
            return await asyncio.to_thread(self.operator.rounds) >= enough

        await until(passed, f"{rounds} looks")

    async def _holds(self, replicas: int) -> None:
        if (now := await self.subject.replicas()) != replicas:
            raise NotReachedError(f"{replicas} replicas were to be held, and they are {now}")


def _with(spec: dict[str, Any], where: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The spec with a field more."""
    changed = copy.deepcopy(spec)
    inner = changed
    for field in where[:-1]:
        inner = inner.setdefault(field, {})
    inner[where[-1]] = value
    return changed
