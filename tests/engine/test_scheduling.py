"""Who gets the tokens of a step, and how often the engine steps: counted in steps, so that no clock decides."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from vllm.distributed.kv_transfer import get_kv_transfer_group
from vllm.v1.request import RequestStatus

from cake_engine.core.budget import FLOOR
from cake_engine.core.chunk import Chunk
from cake_engine.core.meeting import Costs
from cake_engine.vllm.active_plan import ActivePlan
from tests.engine.conftest import PROMPT, Reference
from tests.engine.serving import BLOCK, Server, prompt, write_config

STEP = 128
SHORT = [prompt(90 + 5 * i, seed=300 + i) for i in range(22)]


@pytest.fixture(scope="module")
def stocked(model: Path, reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with seats for all, and the long prompt on its file tier."""
    server = Server(model, cake_config=write_config(tmp_path_factory.mktemp("scheduling")), max_num_seqs=32)
    try:
        assert server.tokens([PROMPT]) == [reference.prompt]
        server.settle()
        yield server
    finally:
        server.close()


@pytest.fixture
def steps(stocked: Server, monkeypatch: pytest.MonkeyPatch) -> list[Counter[str]]:
    """Tokens of each request in each step."""
    seen: list[Counter[str]] = []
    schedule = stocked.scheduler.schedule

    def record(*args: object) -> object:
        output = schedule(*args)
        seen.append(Counter(output.num_scheduled_tokens))
        return output

    monkeypatch.setattr(stocked.scheduler, "schedule", record)
    return seen


def answered(server: Server) -> None:
    """Have all look-ups answered, so that requests are admitted in the step in which they arrive."""
    name = server.begin(PROMPT)
    server.step_until(lambda: name in server.cake._active)
    server.llm.llm_engine.abort_request([name], internal=True)
    server.settle()
    server.forget()


def test_short_prompts_do_not_wait_for_a_long_stored_one(
    server: Server, reference: Reference, steps: list[Counter[str]]
) -> None:
    """The paper's Figure 6: one long request of which all is stored, 22 short ones behind it."""
    server.tune(mode="ComputeOnly")
    answered(server)
    steps.clear()
    long = server.begin(PROMPT, 4)
    shorts = [server.begin(tokens, 4) for tokens in SHORT]
    requests = {name: server.scheduler.requests[name] for name in shorts}
    server.step_until(lambda: all(r.num_output_tokens for r in requests.values()))

    tokens = sum(len(tokens) for tokens in SHORT)
    floor = int(FLOOR * STEP)
    decodes = 4 * len(SHORT)
    fewest = -(-(tokens + decodes) // (STEP - floor))
    # Without the order they would have waited for the long one's 16 steps first. A look-up may cost a step or two.
    assert len([step for step in steps if step]) <= fewest + 6
    assert all(step[long] >= floor for step in steps[2 : fewest - 2])
    at_once = sorted(server.finish())
    server.forget()
    assert at_once == sorted([*(server.tokens([tokens], 4)[0] for tokens in SHORT), reference.prompt[:4]])


def test_decode_goes_before_new_text_and_new_text_before_stored_prefixes(
    server: Server, steps: list[Counter[str]]
) -> None:
    server.tune(mode="ComputeOnly")
    answered(server)
    decoding = [server.begin(tokens, 400) for tokens in SHORT[:4]]
    requests = [server.scheduler.requests[name] for name in decoding]
    server.step_until(lambda: all(r.num_output_tokens for r in requests))
    long = server.begin(PROMPT, 4)
    server.step_until(lambda: bool(steps[-1][long]))
    steps.clear()
    server.step()
    assert steps[-1] == {**dict.fromkeys(decoding, 1), long: STEP - 4}
    fresh = server.begin(prompt(300, seed=401), 4)
    server.step_until(lambda: bool(steps[-1][fresh]))
    server.step()
    assert steps[-1] == {**dict.fromkeys(decoding, 1), long: 8, fresh: STEP - 4 - 8}
    server.llm.llm_engine.abort_request([*decoding, long, fresh], internal=True)


@pytest.mark.parametrize(("share", "tokens"), [(0.5, 64), (0.25, 32), (0.0, 8)])
def test_the_share_of_stored_prefixes_is_followed_live(
    server: Server, steps: list[Counter[str]], share: float, tokens: int
) -> None:
    server.tune(mode="ComputeOnly")
    answered(server)
    decoding = server.begin(SHORT[0], 400)
    server.step_until(lambda: server.scheduler.requests[decoding].num_output_tokens > 0)
    long = server.begin(PROMPT, 4)
    server.step_until(lambda: bool(steps[-1][long]))
    server.tune(mode="ComputeOnly", prefixTokenShare=share)
    server.step()
    assert steps[-1] == {decoding: 1, long: tokens}
    server.llm.llm_engine.abort_request([decoding, long], internal=True)


@pytest.mark.parametrize("prefetch_share", [0.5, 0])
def test_a_request_is_planned_beside_those_that_wait_behind_it_and_not_beside_itself(
    server: Server, reference: Reference, monkeypatch: pytest.MonkeyPatch, prefetch_share: float
) -> None:
    server.tune(mode="Adaptive", prefetchShare=prefetch_share)
    answered(server)
    seen: Counter[str] = Counter()
    costs_of = server.cake.costs.of

    def record(request_id: str) -> Costs:
        costs: Costs = costs_of(request_id)
        seen[request_id] = max(seen[request_id], server.cake.costs.behind(request_id))
        return costs

    monkeypatch.setattr(server.cake.costs, "of", record)
    first, second = server.begin(PROMPT), server.begin(PROMPT)
    assert server.finish() == [reference.prompt, reference.prompt]
    server.forget()
    answered(server)
    alone = server.begin(PROMPT)
    assert server.finish() == [reference.prompt]
    # Which of the two is planned first is a matter of whose look-up is answered first.
    assert max(seen[first], seen[second]) == 1
    assert seen[alone] == 0


def test_a_slow_load_does_not_keep_the_engine_busy(
    server: Server, reference: Reference, steps: list[Counter[str]]
) -> None:
    server.tune(mode="LoadOnly", loadBandwidthBytesPerSecond={"shared": 3e6})
    began = time.monotonic()
    assert server.tokens([PROMPT]) == [reference.prompt]
    seconds = time.monotonic() - began
    # A step at most every 5 ms, one for each chunk that arrives and is copied, and those that compute.
    assert len([step for step in steps if not step]) <= seconds / 0.005 + 2 * 62 + 20
    assert len([step for step in steps if step]) <= 20


class HeldBack:
    """What the tier keeps to itself of what it has read, until it is told to tell."""

    def __init__(self, server: Server, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
        """Keep back the job that reads this chunk of the last prompt."""
        self.server, self.chunk, self.results, self.told = server, chunk, [], False
        self._finished = server.tier.get_finished_jobs
        monkeypatch.setattr(server.tier, "get_finished_jobs", self._take)

    @property
    def chunks(self) -> int:
        return sum(len(self._keys(result)) for result in self.results)

    def _take(self) -> list[object]:
        results = [*self.results, *self._finished()]
        late = [] if self.told else [result for result in results if self.server.keys[self.chunk] in self._keys(result)]
        self.results = late
        return [result for result in results if result not in late]

    def _keys(self, result: object) -> list[bytes]:
        return self.server.cake.manager._jobs[result.job_id].transfer_job.keys


@pytest.mark.parametrize(
    ("live", "meeting"), [({"mode": "Static", "staticMeetingPoint": 0.4}, 25), ({"mode": "LoadOnly"}, 0)]
)
def test_what_came_before_a_step_is_jumped_over_in_that_step_and_its_copy_waited_for(
    server: Server,
    reference: Reference,
    steps: list[Counter[str]],
    monkeypatch: pytest.MonkeyPatch,
    *,
    live: dict[str, object],
    meeting: int,
) -> None:
    """A request that computes up to its meeting point, or waits at 0, until the chunk there has come."""
    server.tune(**live)
    held = HeldBack(server, monkeypatch, meeting)
    name = server.begin(PROMPT)
    server.step_until(lambda: name in server.cake._active)
    active = server.cake._active[name]
    server.step_until(lambda: held.chunks > 0 and active.plan.count(Chunk.LOADED) == 62 - meeting - held.chunks)
    server.step_until(lambda: active.at == meeting * 32)
    assert not server.cake._copies

    copier, waited = get_kv_transfer_group().connector_worker.worker, threading.Event()
    copy, wait = copier._copy, copier.wait

    def copy_once_waited_for(one: object) -> int:
        waited.wait(60)
        return copy(one)

    def note_and_wait(jobs: set[int]) -> None:
        if not copier._pending.isdisjoint(jobs):
            waited.set()
        wait(jobs)

    monkeypatch.setattr(copier, "_copy", copy_once_waited_for)
    monkeypatch.setattr(copier, "wait", note_and_wait)
    held.told = True
    server.llm.llm_engine.step()
    assert steps[-1] == {name: 16}, "all but the 16 tokens of new text were jumped over"
    assert waited.is_set()
    assert server.finish() == [reference.prompt]


def test_the_story_of_a_request_that_waited_and_was_admitted_anew_is_told_once(
    server: Server, reference: Reference, outcomes: list[ActivePlan]
) -> None:
    server.tune(mode="LoadOnly", loadBandwidthBytesPerSecond={"shared": 3e6})
    request = server.begin(PROMPT)
    server.step_until(lambda: any(plan.plan.count(Chunk.LOADED) >= 4 for plan in server.cake.parked()))
    began = server.cake._active[request].began_ns
    server.tune(mode="ComputeOnly")
    assert server.finish() == [reference.prompt]
    assert [(plan.request_id, plan.began_ns) for plan in outcomes] == [(request, began)]
    assert outcomes[0].stalled_seconds > 0
    assert outcomes[0].plan.outcome().computed == 62


def test_a_request_that_was_let_go_and_found_no_tokens_goes_on_behind_what_was_loaded_since(
    server: Server, reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.tokens([PROMPT[: 5 * BLOCK]], 1)  # the device holds the beginning, so it need not be admitted anew
    server.tune(mode="LoadOnly", loadBandwidthBytesPerSecond={"shared": 3e5})
    request = server.scheduler.requests[server.begin(PROMPT)]
    server.step_until(lambda: request.status is RequestStatus.WAITING_FOR_REMOTE_KVS)
    monkeypatch.setattr(server.cake, "limit", lambda *_: 0)
    server.tune(mode="ComputeOnly")
    server.step_until(lambda: request.status is RequestStatus.WAITING)
    (active,) = server.cake.parked()
    server.tune(mode="LoadOnly")
    server.step_until(lambda: active.plan.jump(active.at) == active.plan.end * BLOCK)
    monkeypatch.undo()
    assert server.finish() == [reference.prompt]


def test_nothing_grows_with_the_number_of_requests(server: Server) -> None:
    server.tune(mode="Adaptive", minimumLoadTokens=64)
    prompts = [prompt(100 + i % 50, seed=500 + i % 20) for i in range(300)]
    for first in range(0, 300, 30):
        server.tokens(prompts[first : first + 30], 2)
    assert set(server.idle().values()) == {0}
    cake = server.cake
    for name in ("_began",):
        assert not getattr(server.scheduler, name)
    for name in ("_active", "_copies", "_flush", "_admit_running", "_jobs", "_req_status"):
        assert not getattr(cake, name), name
    assert not cake.reads._of
    assert not cake.reads._useless
    assert not cake.manager._req_state
    assert not cake.manager._request_load_sources
    assert not server.tier._jobs
