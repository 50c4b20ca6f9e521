"""vLLM's scheduler with the four moves that Cake needs: blocks in advance, a limit to compute, the jump, the wait.

Name it with `--scheduler-cls cake_engine.vllm.scheduler.CakeScheduler`; the class becomes the asynchronous one where
vLLM schedules asynchronously.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Self

from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.outputs import ModelRunnerOutput
from vllm.v1.request import Request, RequestStatus

from cake_engine.core.cost import Span
from cake_engine.vllm import adapter, completions
from cake_engine.vllm.connector import CakeConnector
from cake_engine.vllm.costs import demand
from cake_engine.vllm.token_budget import tokens_of_others

IDLE_WAIT_SECONDS = 0.005
"""How long a step that had nothing to compute waits for a load to end before it looks again."""


class CakeScheduler(Scheduler):
    """Computes from the front and lets the connector load from the back."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Choose the asynchronous variant where vLLM's configuration says so."""
        config = kwargs["vllm_config"] if "vllm_config" in kwargs else args[0]
        if cls is CakeScheduler and config.scheduler_config.async_scheduling:
            return super().__new__(CakeAsyncScheduler)
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not isinstance(self.connector, CakeConnector):
            raise adapter.UnsupportedError(
                "CakeScheduler needs CakeConnector: name it in --kv-transfer-config, or leave out --scheduler-cls."
            )
        self.cake = self.connector.schedule
        self._computed_last_step = True
        self._began: dict[int, float] = {}
        self._ended = 0.0
        self.cake.prefetch.device_tokens = lambda request: self.kv_cache_manager.get_computed_blocks(request)[1]
        self._allocate_in_advance()

    def _allocate_in_advance(self) -> None:
        """Have the blocks up to the end of a stored prefix allocated on admission: loads need somewhere to go."""
        allocate = self.kv_cache_manager.allocate_slots

        def allocate_slots(request: Request, num_new_tokens: int, *args: Any, **kwargs: Any) -> Any:
            computed = request.num_computed_tokens + kwargs.get("num_new_computed_tokens", 0)
            computed += kwargs.get("num_external_computed_tokens", 0)
            ahead = self.cake.lookahead(request.request_id, computed, num_new_tokens)
            kwargs["num_lookahead_tokens"] = max(ahead, kwargs.get("num_lookahead_tokens", 0))
            return allocate(request, num_new_tokens, *args, **kwargs)

        self.kv_cache_manager.allocate_slots = allocate_slots

    def _reserve_prefill_lookahead(self, request: Request, num_computed_tokens: int, num_new_tokens: int) -> int:
        """VLLM's last word on a request's tokens in a step, and so the place to keep compute out of loaded chunks."""
        tokens = super()._reserve_prefill_lookahead(request, num_computed_tokens, num_new_tokens)
        if not self.cake.planning:
            return tokens
        return self.cake.limit(request.request_id, num_computed_tokens, tokens, lambda: tokens_of_others(self, request))

    def schedule(self, *args: Any, **kwargs: Any) -> SchedulerOutput:
        """Jump over what was loaded, wake what has waited long enough, then schedule as vLLM does."""
        if not self._computed_last_step and self.cake.waiting and not self._in_flight():
            completions.wait(IDLE_WAIT_SECONDS)
        self.cake.begin_step(lambda: demand(self, self.cake.prefetch.told))
        jumped = self._jump()
        self._unpark()
        output = super().schedule(*args, **kwargs)
        for new in output.scheduled_new_reqs:
            if not self.requests[new.req_id].num_preemptions:  # else what is found is what it computed itself
                self.cake.spare(0, new.num_computed_tokens)
        if jumped and self.use_v2_model_runner:
            adapter.announce_again(self, output, jumped)
        self._computed_last_step = output.total_num_scheduled_tokens > 0
        if self._computed_last_step:
            self._began[id(output)] = time.monotonic()
        return output

    def _in_flight(self) -> bool:
        return any(request.num_in_flight_tokens for request in self.running)

    def _jump(self) -> list[str]:
        jumped = []
        for request in self.running:
            to = self.cake.jump(request)
            if to > request.num_computed_tokens:
                self.cake.spare(request.num_computed_tokens, to)
                adapter.move_to(self, request, to)
                jumped.append(request.request_id)
        return jumped

    def _unpark(self) -> None:
        for active in self.cake.parked():
            request = self.requests[active.request_id]
            adapter.park_again(self, request)  # it may have been let go before, and have found no tokens or no seat
            to = self.cake.unpark(active)
            if to is None:
                continue
            if to > 0:
                adapter.resume_parked(self, request, to)
            else:
                self.cake.admit_running(request.request_id)
                adapter.readmit_parked(self, request)

    def update_from_output(self, scheduler_output: SchedulerOutput, model_runner_output: ModelRunnerOutput) -> Any:
        """Learn what the step cost."""
        began = self._began.pop(id(scheduler_output), None)
        if began is not None:
            now = time.monotonic()
            # Steps overlap under asynchronous scheduling: this one's time begins when the one before it ended.
            self._learn(scheduler_output, now - max(began, self._ended))
            self._ended = now
        return super().update_from_output(scheduler_output, model_runner_output)

    def _learn(self, output: SchedulerOutput, seconds: float) -> None:
        starts = {new.req_id: new.num_computed_tokens for new in output.scheduled_new_reqs}
        cached = output.scheduled_cached_reqs
        starts.update(zip(cached.req_ids, cached.num_computed_tokens, strict=True))
        spans = [Span(starts[rid], starts[rid] + tokens) for rid, tokens in output.num_scheduled_tokens.items()]
        self.cake.learn([s for s in spans if s.tokens > 1], sum(s.tokens == 1 for s in spans), seconds)

    def finish_requests(self, request_ids: str | Iterable[str] | None, finished_status: RequestStatus) -> list[Request]:
        """End requests; those that wait for loads give up their blocks now, their copies are flushed before reuse."""
        ids = {request_ids} if isinstance(request_ids, str) else None if request_ids is None else set(request_ids)
        for active in self.cake.parked():
            blocked = self.requests[active.request_id].status is RequestStatus.WAITING_FOR_REMOTE_KVS
            if blocked and (ids is None or active.request_id in ids):
                self.finished_recving_kv_req_ids.add(active.request_id)
        return super().finish_requests(ids, finished_status)

    def reset_prefix_cache(self, reset_running_requests: bool = False, reset_connector: bool = False) -> bool:
        """Empty the prefix cache; with `reset_running_requests` also of requests that wait for loads."""
        if reset_running_requests:
            for active in self.cake.parked():
                request = self.requests[active.request_id]
                with self.cake.held():
                    self.cake.drop(active.request_id)
                adapter.readmit_parked(self, request)
        return bool(super().reset_prefix_cache(reset_running_requests, reset_connector))


class CakeAsyncScheduler(CakeScheduler, AsyncScheduler):
    """The same moves over vLLM's asynchronous scheduler."""
