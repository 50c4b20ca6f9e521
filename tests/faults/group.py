"""The runs of one fault: an operator of their own behind a wire of its own, and a subject for each seed."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults import stages
from tests.faults.administrator import NAMESPACES, RefusedError
from tests.faults.clock import SHIFTED_CLOCK, Clock
from tests.faults.deeds import Deeds
from tests.faults.events import NamespaceGone
from tests.faults.future import newer_crd
from tests.faults.kept import KeptOperator
from tests.faults.namespaces import is_of, namespace_of
from tests.faults.outcome import Outcome
from tests.faults.plan import Fault, Plan, plan
from tests.faults.site import Reference, Site
from tests.faults.stages import Stage
from tests.faults.subject import Subject
from tests.faults.telling import Teller, teller
from tests.faults.until import NotReachedError, until
from tests.faults.wire import Wire, kubeconfig, wire
from tests.faults.witness import Witness

AT_ONCE = 8
"""Subjects that go through their stages at the same time."""


@dataclass
class Group:
    """An operator, its wire, and those who look at its subjects.

    Attributes:
        shared_failures: What did not hold of the group as a whole.
    """

    fault: Fault
    site: Site
    operator: KeptOperator
    wire: Wire
    teller: Teller
    clock: Clock
    witness: Witness
    shared_failures: list[str]

    async def run(self, seeds: Sequence[int]) -> list[Outcome]:
        """Run these seeds, some at a time, then see that nothing goes on when all is as it should be."""
        outcomes: list[Outcome] = []
        async with AsyncExitStack() as until_all_ended:
            for some in (seeds[first : first + AT_ONCE] for first in range(0, len(seeds), AT_ONCE)):
                ready = asyncio.Barrier(len(some))
                runs = (self._run(plan(self.fault, seed), ready, until_all_ended) for seed in some)
                outcomes += await asyncio.gather(*runs)
            if not any(outcome.failures for outcome in outcomes):
                self.shared_failures += await self._goes_on([plan(self.fault, seed) for seed in seeds])
        for failure in self.shared_failures:
            print(f'--fault "{self.fault.name}": FAILED: {failure}', flush=True)
        return outcomes

    async def learn(self, seeds: Sequence[int]) -> None:
        """See how stages go without a fault.

        Raises:
            NotReachedError: They do not.
        """
        async with AsyncExitStack() as stack:

            async def one(seed: int) -> tuple[Stage, Subject, int]:
                stage, subject = plan(self.fault, seed).stage, self._subject(seed)
                deeds = await stack.enter_async_context(self._begun(subject, stage))
                before = self._written(subject)
                await deeds.undisturbed(stage)
                await subject.comes_to(stages.pods(stage))
                return stage, subject, before

            done = await asyncio.gather(*(one(seed) for seed in seeds))
            await self._rests()
            for stage, subject, before in done:
                self.site.references[stage] = Reference(await subject.state(), self._written(subject) - before)

    async def _run(self, planned: Plan, ready: asyncio.Barrier, stack: AsyncExitStack) -> Outcome:
        """One run; none begins to strike before all are where their stages begin."""
        reference = self.site.references[planned.stage]
        subject = self._subject(planned.seed)
        failures: list[str] = []
        try:
            deeds = await stack.enter_async_context(self._begun(subject, planned.stage))
        except (NotReachedError, RefusedError) as error:
            failures.append(f"before the fault: {error}")
        await ready.wait()
        began, before, struck = time.monotonic(), self._written(subject), 0
        judge = self.wire.arm(subject.name, planned.event)
        try:
            if not failures:
                struck = await deeds.under(planned)
                await self._ends(subject, planned, reference)
        except (NotReachedError, RefusedError) as error:
            failures.append(str(error))
        self.wire.disarm(subject.name)
        outcome = Outcome(
            planned.fault,
            planned.seed,
            planned.stage.value,
            struck=struck + judge.struck,
            # One attempt for each refusal of the wire is no storm.
            writes=max(self._written(subject) - before, judge.writes - judge.struck),
            allowed=2 * reference.writes + self.fault.writes,
            failures=tuple(failures + self._losses(subject, planned)),
            seconds=time.monotonic() - began,
        ).judged()
        print(outcome.line(), flush=True)
        return outcome

    async def _ends(self, subject: Subject, planned: Plan, reference: Reference) -> None:
        if not isinstance(planned.event, NamespaceGone):
            await subject.reaches(reference.state)
            return

        async def gone() -> bool:
            return await self.site.administrator.get(NAMESPACES.path(None, subject.namespace)) is None

        await until(gone, "the namespace is gone")

    def _losses(self, subject: Subject, planned: Plan) -> list[str]:
        """What was lost on the way."""
        history = self.witness.histories[subject.namespace, subject.name]
        may_go = planned.stage is Stage.DELETE or isinstance(planned.event, NamespaceGone)
        fewest = 0 if planned.stage is Stage.DELETE else stages.fewest(planned.stage)
        return history.losses(fewest, may_go=may_go)

    async def _goes_on(self, plans: Sequence[Plan]) -> list[str]:
        """What does not hold of all subjects together, some rounds later."""
        found = []
        try:
            await self._rests()
        except NotReachedError as error:
            found.append(f"when all runs had ended: {error}")
        for planned in plans:
            subject = self._subject(planned.seed)
            try:
                await self._ends(subject, planned, self.site.references[planned.stage])
            except NotReachedError as error:
                found.append(f"{subject.name}, later: {error}")
        return found

    async def _rests(self) -> None:
        """Wait for two rounds without a write.

        Raises:
            NotReachedError: They do not come: the operator goes on writing when there is nothing left to do.
        """

        async def quiet() -> bool:
            before = self._all_written()
            await self.operator.rest()
            return self._all_written() == before

        await until(quiet, "two rounds without a write")

    def _subject(self, seed: int) -> Subject:
        return Subject(self.site.administrator, namespace_of(self.fault, seed), f"subject-{seed}")

    @asynccontextmanager
    async def _begun(self, subject: Subject, stage: Stage) -> AsyncIterator[Deeds]:
        """The subject where its stage begins, with engines where it has some."""
        if self.fault.cluster_wide:
            await self.site.administrator.make_namespace(subject.namespace)
        await subject.begin(stage)
        async with AsyncExitStack() as stack:
            engines = None
            if self.fault.measured:
                engines = await stack.enter_async_context(self.site.scraper.engines(subject))
                await subject.tells("MetricsAvailable", "Scraped", "")
                await self.operator.rest()
            yield Deeds(subject, self.site.cluster, self.operator, self.wire, self.teller, self.clock, engines)

    def _written(self, subject: Subject) -> int:
        return self.site.audit.writes()[subject.namespace, subject.name]

    def _all_written(self) -> int:
        written = self.site.audit.writes().items()
        return sum(number for (namespace, _), number in written if is_of(self.fault, namespace))


@asynccontextmanager
async def group(fault: Fault, site: Site) -> AsyncIterator[Group]:
    """An operator behind a wire, kept running for the block; what was made for it goes with its namespace."""
    folder = site.folder / namespace_of(fault, 0)
    folder.mkdir()
    clock = Clock(folder / "clock")
    confined = None if fault.cluster_wide else namespace_of(fault, 0)
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(wire(site.cluster))
        told = await stack.enter_async_context(teller(site.scraper.url))
        config = kubeconfig(site.cluster, made.url, site.token, folder / "kubeconfig")
        variables = {"CAKE_FAULTS_CLOCK": str(clock.file), "PYTHONPATH": _path_with(SHIFTED_CLOCK)}
        if confined is not None:
            variables["CAKE_NAMESPACE"] = confined
            await site.administrator.make_namespace(confined)
        if fault.measured:
            variables |= {
                "CAKE_PROMETHEUS_URL": told.url,
                "CAKE_SCRAPE_INTERVAL_SECONDS": "1",
                "CAKE_INTERVAL_SECONDS": "2",
            }
        witness, operator = (
            Witness(site.administrator),
            KeptOperator(config, site.logs / f"{folder.name}.log", **variables),
        )
        made.kill = operator.kill
        if fault.newer:
            await stack.enter_async_context(newer_crd(site.administrator))
        stack.push_async_callback(site.clear, fault)
        stack.push_async_callback(asyncio.to_thread, operator.__exit__, None, None, None)
        await asyncio.to_thread(operator.start)
        for watching in (operator.keep(), witness.see(confined)):
            stack.callback(asyncio.create_task(watching).cancel)
        yield Group(fault, site, operator, made, told, clock, witness, [])


def _path_with(folder: Path) -> str:
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
