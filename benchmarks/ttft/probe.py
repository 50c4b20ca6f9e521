"""Watches an engine while it plays: its steps, what became of its plans, its reads.

Everything that the benchmark touches inside vLLM and Cake is in this file.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.ttft.records import Goal, Read, Split, Step, Work


@dataclass
class Observations:
    """What was seen since the last `Probe.clear`."""

    steps: list[Step] = field(default_factory=list)
    splits: dict[str, Split] = field(default_factory=dict)
    reads: list[Read] = field(default_factory=list)
    asked: float | None = None


class Probe:
    """Wraps the methods of one scheduler and its file tier; nothing it does changes what they do."""

    def __init__(self, scheduler: Any) -> None:
        """Start to watch.

        Args:
            scheduler: vLLM's, with or without Cake's schedule in it.
        """
        self._scheduler = scheduler
        self._cake = getattr(scheduler, "cake", None)
        schedule = self._cake or scheduler.connector.connector_scheduler
        self._tier = schedule.manager.secondary_tiers[0]
        self._began: dict[int, float] = {}
        self._goals: dict[str, list[Goal]] = {}
        self.prompts: dict[str, str] = {}
        self.clear()
        self._watch_steps()
        self._watch_reads()
        if self._cake is not None:
            self._watch_plans(self._cake)

    def clear(self) -> None:
        """Forget what was seen; times count from now on."""
        self.seen = Observations()
        self._zero = time.monotonic()
        self._goals.clear()

    def now(self) -> float:
        """Seconds since the last `clear`."""
        return time.monotonic() - self._zero

    @property
    def chunk_bytes(self) -> int:
        """What one chunk takes of the tier's bandwidth cap."""
        return int(self._tier._store.file_bytes)

    @property
    def rate(self) -> float | None:
        """Bytes per second that the tier says it serves; None before it has served."""
        return None if self._tier.read_rate is None else float(self._tier.read_rate)

    def writing(self) -> bool:
        """Whether blocks are on their way to the tier."""
        return bool(self._tier._writes.depth)

    def _watch_steps(self) -> None:
        schedule, update = self._scheduler.schedule, self._scheduler.update_from_output

        def scheduled(*args: Any, **kwargs: Any) -> Any:
            began = self.now()
            output = schedule(*args, **kwargs)
            if output.total_num_scheduled_tokens:
                self._began[id(output)] = began
            return output

        def updated(output: Any, *args: Any, **kwargs: Any) -> Any:
            began = self._began.pop(id(output), None)
            if began is not None:
                self.seen.steps.append(self._step(output, began))
            return update(output, *args, **kwargs)

        self._scheduler.schedule, self._scheduler.update_from_output = scheduled, updated

    def _step(self, output: Any, began: float) -> Step:
        starts = {new.req_id: new.num_computed_tokens for new in output.scheduled_new_reqs}
        cached = output.scheduled_cached_reqs
        starts.update(zip(cached.req_ids, cached.num_computed_tokens, strict=True))
        scheduled = output.num_scheduled_tokens
        prefill = tuple(
            Work(prompt=self.prompts.get(rid, rid), start=starts[rid], stop=starts[rid] + tokens)
            for rid, tokens in scheduled.items()
            if tokens > 1
        )
        decoding = sum(tokens == 1 for tokens in scheduled.values())
        predicted = None
        if self._cake is not None and len(prefill) == 1 and not decoding:
            work = prefill[0]
            predicted = self._cake.compute_cost.seconds(work.start, work.stop, self._cake.step_tokens)
        return Step(began=began, ended=self.now(), prefill=prefill, decoding=decoding, predicted=predicted)

    def _watch_reads(self) -> None:
        submit, recorder = self._tier.submit_load, self._tier._recorder
        read = recorder.read

        def submitted(job: Any) -> Any:
            if self.seen.asked is None:
                self.seen.asked = self.now()
            return submit(job)

        def arrived(size: int, seconds: float) -> None:
            self.seen.reads.append(Read(time=self.now(), bytes=size))
            read(size, seconds)

        self._tier.submit_load, recorder.read = submitted, arrived

    def _watch_plans(self, cake: Any) -> None:
        begin_step, drop = cake.begin_step, cake.drop

        def began(*args: Any) -> None:
            begin_step(*args)
            for request, active in cake._active.items():
                self._note_goal(request, active)

        def dropped(request_id: str) -> None:
            active = cake._active.get(request_id)
            drop(request_id)
            if active is not None:
                self._note_split(request_id, active)

        cake.begin_step, cake.drop = began, dropped

    def _note_goal(self, request: str, active: Any) -> None:
        goals, plan = self._goals.setdefault(request, []), active.plan
        goal = Goal(time=self.now(), at=active.at, meeting=plan.meeting, floor=plan.floor)
        if not goals or (goals[-1].meeting, goals[-1].floor) != (goal.meeting, goal.floor):
            goals.append(goal)

    def _note_split(self, request: str, active: Any) -> None:
        plan, outcome = active.plan, active.plan.outcome()
        self.seen.splits[self.prompts.get(request, request)] = Split(
            chunks=plan.end - plan.first,
            chunk_tokens=plan.chunk_tokens,
            predicted=active.predicted,
            computed=outcome.computed,
            loaded=outcome.loaded,
            duplicated=outcome.duplicated,
            lost=outcome.lost,
            stalled=active.stalled_seconds,
            goals=tuple(self._goals.pop(request, ())),
        )
