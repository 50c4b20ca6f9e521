"""A request that waits for a seat: its stored tail comes into memory meanwhile, and its tokens stay the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from vllm.v1.request import RequestStatus

from cake_engine.core.chunk import Chunk
from cake_engine.vllm import prefetch
from cake_engine.vllm.active_plan import ActivePlan
from tests.engine.conftest import EXTENDED, PROMPT, SEVERAL, Reference
from tests.engine.serving import Server, prompt

RUNNER = prompt(40, seed=77)
MODES = {
    "ComputeOnly": {"mode": "ComputeOnly"},
    "LoadOnly": {"mode": "LoadOnly"},
    "Adaptive": {"mode": "Adaptive"},
    "Static": {"mode": "Static", "staticMeetingPoint": 0.4},
}


@pytest.fixture
def one_seat(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """One request runs, the others wait; it is aborted to make room."""
    monkeypatch.setattr(server.scheduler, "max_num_active_reqs", 1)
    yield server
    server.llm.llm_engine.abort_request(list(server.scheduler.requests), internal=True)
    server.settle()


def occupy(server: Server) -> str:
    """Take the seat, for long."""
    runner = server.begin(RUNNER, 2000)
    server.step_until(lambda: server.scheduler.requests[runner].num_output_tokens > 0)
    return runner


def free(server: Server, runner: str) -> None:
    server.llm.llm_engine.abort_request([runner], internal=True)


def held(server: Server, request: str) -> set[int]:
    """Chunks that are kept in memory for a waiting request."""
    return set(server.cake.prefetch._waiting[request].ahead.held)


@pytest.fixture
def reads(server: Server, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds of each chunk that the file tier has read."""
    seconds: list[float] = []
    read = server.tier._recorder.read

    def record(size: int, took: float) -> None:
        seconds.append(took)
        read(size, took)

    monkeypatch.setattr(server.tier._recorder, "read", record)
    return seconds


@pytest.mark.parametrize("mode", MODES)
def test_its_tokens_are_those_of_plain_compute(one_seat: Server, reference: Reference, mode: str) -> None:
    one_seat.tune(**MODES[mode])
    runner = occupy(one_seat)
    request = one_seat.begin(PROMPT)
    expected = {"ComputeOnly": 0, "LoadOnly": 62, "Adaptive": 62, "Static": 62 - 24}[mode]
    one_seat.step_until(lambda: one_seat.cake.prefetch.chunks >= expected and not len(one_seat.cake.reads))
    assert len(held(one_seat, request)) == expected
    free(one_seat, runner)
    assert one_seat.finish() == [reference.prompt]


def test_the_plan_finds_it_in_memory_and_counts_it_for_the_tier_that_it_came_from(
    one_seat: Server, reference: Reference, reads: list[float], outcomes: list[ActivePlan]
) -> None:
    one_seat.tune(mode="LoadOnly")
    runner = occupy(one_seat)
    request = one_seat.begin(PROMPT)
    one_seat.step_until(lambda: len(held(one_seat, request)) == 62)
    assert len(reads) == 62
    assert one_seat.scheduler.requests[request].status is RequestStatus.WAITING
    free(one_seat, runner)
    assert one_seat.finish() == [reference.prompt]
    assert len(reads) == 62
    assert set(outcomes[-1].tiers.values()) == {"shared"}
    assert outcomes[-1].plan.outcome().loaded == 62


def test_what_is_behind_a_missing_head_is_read_ahead_and_the_rest_is_new_text(
    one_seat: Server, reference: Reference, outcomes: list[ActivePlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "PATIENCE_SECONDS", 120.0)
    one_seat.tokens([PROMPT])
    one_seat.forget()
    gone = one_seat.remove([*range(25), 40])
    one_seat.tune(mode="LoadOnly")
    runner = occupy(one_seat)
    request = one_seat.begin(PROMPT)
    one_seat.step_until(lambda: len(held(one_seat, request)) == 62 - len(gone))
    assert held(one_seat, request) == {*range(25, 40), *range(41, 62)}
    assert one_seat.cake.prefetch.new_text(one_seat.scheduler.requests[request]) == 26 * 32 + 16
    free(one_seat, runner)
    assert one_seat.finish() == [reference.prompt]
    assert outcomes[-1].plan.outcome().loaded == 62 - len(gone)
    one_seat.settle()
    for file, data in gone.items():
        file.write_bytes(data)


def test_the_tail_comes_first_and_what_is_on_its_way_at_admission_is_waited_for(
    one_seat: Server, reference: Reference, reads: list[float]
) -> None:
    one_seat.tune(mode="LoadOnly", loadBandwidthBytesPerSecond={"shared": 3e6})
    runner = occupy(one_seat)
    request = one_seat.begin(PROMPT)
    one_seat.step_until(lambda: len(held(one_seat, request)) >= 5)
    first = min(held(one_seat, request))
    assert held(one_seat, request) >= set(range(first + 4, 62))
    one_seat.tune(mode="LoadOnly")
    free(one_seat, runner)
    assert one_seat.finish() == [reference.prompt]
    assert len(reads) == 62


def test_the_share_of_memory_is_kept_and_followed_live(one_seat: Server, reference: Reference) -> None:
    prefetch = one_seat.cake.prefetch
    one_seat.tune(mode="LoadOnly", prefetchShare=0.05)
    runner = occupy(one_seat)
    for tokens in (PROMPT, *SEVERAL[:2]):
        one_seat.begin(tokens)
    most = 0

    def settled_at(chunks: int) -> bool:
        nonlocal most
        most = max(most, prefetch.chunks)
        return prefetch.chunks == chunks and not len(one_seat.cake.reads)

    one_seat.step_until(lambda: settled_at(25))
    assert most == 25
    one_seat.tune(mode="LoadOnly", prefetchShare=0.0)
    one_seat.step()
    assert prefetch.chunks == 0
    one_seat.tune(mode="LoadOnly", prefetchShare=0.1)
    one_seat.step_until(lambda: settled_at(51))
    assert most == 51
    one_seat.tune(mode="LoadOnly")
    free(one_seat, runner)
    assert sorted(one_seat.finish()) == sorted([reference.prompt, *(tokens[:16] for tokens in reference.several[:2])])


def test_compute_only_lets_go_at_once(one_seat: Server, reference: Reference) -> None:
    one_seat.tune(mode="LoadOnly", loadBandwidthBytesPerSecond={"shared": 3e6})
    runner = occupy(one_seat)
    request = one_seat.begin(PROMPT)
    one_seat.step_until(lambda: len(held(one_seat, request)) >= 5)
    one_seat.tune(mode="ComputeOnly")
    one_seat.step()
    assert one_seat.cake.prefetch.chunks == 0
    free(one_seat, runner)
    assert one_seat.finish() == [reference.prompt]


@pytest.mark.parametrize("end", ["abort", "reset"])
def test_nothing_is_left_of_a_request_that_ends_while_it_waits(
    one_seat: Server, reference: Reference, end: str
) -> None:
    one_seat.tune(mode="LoadOnly", loadBandwidthBytesPerSecond={"shared": 3e6})
    runner = occupy(one_seat)
    request = one_seat.begin(PROMPT)
    one_seat.step_until(lambda: len(held(one_seat, request)) >= 5)
    if end == "abort":
        free(one_seat, request)
        assert one_seat.cake.prefetch.chunks == 0
        one_seat.begin(PROMPT)
    else:
        assert one_seat.scheduler.reset_prefix_cache(reset_running_requests=True, reset_connector=True)
        one_seat.poison()
    free(one_seat, runner)
    one_seat.tune(mode="LoadOnly")
    assert one_seat.finish() == [reference.prompt]


def test_a_prefix_that_several_wait_for_is_read_and_held_once(
    one_seat: Server, reference: Reference, reads: list[float]
) -> None:
    one_seat.tune(mode="LoadOnly")
    runner = occupy(one_seat)
    requests = [one_seat.begin(tokens) for tokens in (PROMPT, PROMPT, EXTENDED)]
    one_seat.step_until(lambda: [len(held(one_seat, r)) for r in requests] == [62, 62, 46])
    assert one_seat.cake.prefetch.chunks == 62
    free(one_seat, requests[0])
    assert one_seat.cake.prefetch.chunks == 62
    free(one_seat, runner)
    assert sorted(one_seat.finish()) == sorted([reference.prompt, reference.extended])
    assert len(reads) == 62


def test_a_bad_file_is_computed_around(one_seat: Server, reference: Reference) -> None:
    one_seat.tokens([PROMPT])
    files = one_seat.files()
    good = {files[chunk]: files[chunk].read_bytes() for chunk in (40, 61)}
    one_seat.forget()
    one_seat.tune(mode="LoadOnly")
    for file, data in good.items():
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    runner = occupy(one_seat)
    request = one_seat.begin(PROMPT)
    one_seat.step_until(lambda: len(held(one_seat, request)) == 60)
    free(one_seat, runner)
    assert one_seat.finish() == [reference.prompt]
    one_seat.settle()
    for file, data in good.items():
        file.write_bytes(data)


def test_loads_of_admitted_requests_go_before_it(
    one_seat: Server, reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_seat.tune(mode="LoadOnly", loadBandwidthBytesPerSecond={"shared": 3e6})
    runner = occupy(one_seat)
    first, second = one_seat.begin(SEVERAL[0]), one_seat.begin(PROMPT)
    one_seat.cake.prefetch.release(first)  # so that it has all its loads before it, and the other has begun
    one_seat.step_until(lambda: len(held(one_seat, second)) >= 3)
    waiting = one_seat.cake.prefetch._waiting[second].ahead
    monkeypatch.setattr(one_seat.scheduler, "max_num_active_reqs", 2)
    one_seat.step_until(lambda: first in one_seat.cake._active and one_seat.cake._active[first].blocks is not None)
    plan, before = one_seat.cake._active[first].plan, len(waiting.held)
    one_seat.step_until(lambda: plan.count(Chunk.STORED, Chunk.FETCHING) == 0)
    assert len(waiting.held) <= before + 8  # those that the tier's threads had begun
    free(one_seat, runner)
    one_seat.tune(mode="LoadOnly")
    assert sorted(one_seat.finish()) == sorted([reference.several[0][:16], reference.prompt])


@pytest.mark.parametrize("mode", ["LoadOnly", "Adaptive"])
def test_the_same_prompt_at_once_is_read_once(
    server: Server, reference: Reference, reads: list[float], mode: str
) -> None:
    server.tune(mode=mode, loadBandwidthBytesPerSecond={"shared": 20e6})
    assert server.tokens([PROMPT] * 6) == [reference.prompt] * 6
    assert len(reads) <= 62
