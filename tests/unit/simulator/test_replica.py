from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cake_engine.config import Mode
from cake_engine.core.cost import Span
from cake_simulator.replica import Replica
from cake_simulator.setup import Setup
from tests.unit.simulator.fleets import BLOCK, DEVICE, request, run, setup


def prefill(tokens: int, start: int = 0) -> float:
    """Steps of the whole budget, the last as short as it is, from Device alone."""
    cuts = [*range(start, tokens, BLOCK), tokens]
    return sum(DEVICE.step([Span(a, b)]) for a, b in itertools.pairwise(cuts))


def decode(context: int, tokens: int, together: int = 1) -> float:
    return sum(DEVICE.step((), together, together * (context + n)) for n in range(tokens))


@pytest.mark.parametrize("tokens", [1, 511, 512, 513, 5000])
def test_a_request_alone_gets_its_first_token_after_its_steps_and_the_others_a_step_apart(tokens: int) -> None:
    found = run(setup(), request(0, 3.0, tokens, output=40))
    assert found.tally.ttft.sum == pytest.approx(prefill(tokens))
    assert found.seconds == pytest.approx(3.0 + prefill(tokens) + decode(tokens + 1, 39))
    assert found.tally.gaps.total == 39
    assert found.tally.gaps.sum == pytest.approx(decode(tokens + 1, 39))


def test_two_that_come_together_share_a_step() -> None:
    found = run(setup(), request(0, 0.0, 100), request(1, 0.0, 100))
    assert found.tally.ttft.sum == pytest.approx(2 * DEVICE.step([Span(0, 100), Span(0, 100)]))


def test_who_comes_while_another_decodes_waits_for_the_end_of_the_step_and_shares_the_next() -> None:
    first = prefill(512)
    arrival = first + decode(513, 1) + decode(514, 1) / 2
    found = run(setup(), request(0, 0.0, 512, output=6), request(1, arrival, 100))
    second = decode(514, 1) / 2 + DEVICE.step([Span(0, 100)], 1, 515)
    assert found.tally.ttft.sum == pytest.approx(first + second)


def test_blocks_that_the_device_holds_are_not_computed_again() -> None:
    blocks = (1, 2, 3, 4)
    found = run(setup(), request(0, 0.0, 2100, blocks=blocks), request(1, 100.0, 2100, blocks=blocks))
    assert found.tally.ttft.sum == pytest.approx(prefill(2100) + prefill(2100, start=2048))


def test_what_a_lost_pod_stored_is_loaded_by_the_next_one() -> None:
    blocks = tuple(range(8))
    made = setup(bandwidth=1e12, losses=(50.0,), mode=Mode.LOAD_ONLY)
    found = run(made, request(0, 0.0, 4200, blocks=blocks), request(1, 100.0, 4200, blocks=blocks))
    assert found.prefix_tokens["loaded"] == 4096
    assert found.tally.ttft.sum == pytest.approx(prefill(4200) + prefill(4200, start=4096), abs=1e-3)


def test_what_is_stored_behind_a_gap_is_loaded_and_the_gap_computed() -> None:
    blocks = tuple(range(8))
    made = setup(bandwidth=1e12, losses=(50.0,), mode=Mode.LOAD_ONLY)
    small = replace(made.tiers[0], capacity_bytes=7 * BLOCK * 1000.0, leaving=lambda kept, _: kept.depth)
    asked = request(0, 0.0, 4200, blocks=blocks), request(1, 100.0, 4200, blocks=blocks)
    found = run(replace(made, tiers=(small,)), *asked)
    assert found.prefix_tokens["loaded"] == 6 * BLOCK  # of heads that leave first, two are gone
    assert found.tally.ttft.sum == pytest.approx(prefill(4200) + prefill(1024) + prefill(4200, start=4096), abs=1e-3)


def test_loading_all_takes_the_bytes_over_the_bandwidth_and_then_the_new_text() -> None:
    blocks = tuple(range(8))
    made = setup(bandwidth=1e6, losses=(50.0,), mode=Mode.LOAD_ONLY)
    found = run(made, request(0, 0.0, 4200, blocks=blocks), request(1, 100.0, 4200, blocks=blocks))
    loads = 8 * BLOCK * 1000 / 1e6
    assert found.tally.ttft.sum == pytest.approx(prefill(4200) + loads + prefill(4200, start=4096))


def both(bandwidth: float, mode: Mode) -> float:
    """Mean TTFT of prompts whose prefix another pod has stored, come one after the other."""
    warm = [request(n, 10.0 * n, 16400, blocks=tuple(range(100 * n, 100 * n + 32))) for n in range(6)]
    again = [replace(one, number=6 + n, arrival=200.0 + 20 * n) for n, one in enumerate(warm)]
    made = setup(bandwidth=bandwidth, mode=mode, losses=(100.0,))
    found = run(made, *warm, *again)
    return found.tally.ttft.sum - 6 * prefill(16400)


@pytest.mark.parametrize("bandwidth", [1e6, 3e6, 1e7, 3e7, 1e9])
def test_cake_is_as_good_as_the_better_of_both_and_better_where_they_are_alike(bandwidth: float) -> None:
    better = min(both(bandwidth, Mode.COMPUTE_ONLY), both(bandwidth, Mode.LOAD_ONLY))
    learning = 3 * DEVICE.step([Span(0, BLOCK)])  # the pod is new and knows no cost
    assert both(bandwidth, Mode.ADAPTIVE) <= better * 1.1 + learning
    if bandwidth == 1e7:
        assert both(bandwidth, Mode.ADAPTIVE) < 0.75 * better


def test_a_tier_without_limit_is_never_slower_than_computing() -> None:
    assert both(1e18, Mode.ADAPTIVE) <= both(1e18, Mode.COMPUTE_ONLY)


def test_who_finds_no_kv_memory_gives_up_its_seat_and_still_gets_all_its_tokens() -> None:
    made = setup(kv_tokens=2000)
    found = run(made, *(request(n, 0.0, 600, output=300) for n in range(3)))
    assert found.preemptions > 0
    assert found.tally.whole == 3
    assert found.tally.tokens == 900
    assert found.tally.gaps.total == 900 - 3  # waiting for a seat again is a time between two tokens


def test_a_request_that_no_device_can_hold_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"needs the KV of 3001 tokens and the device holds 2000: take another"):
        run(setup(kv_tokens=2000), request(0, 0.0, 3000))


def test_memory_that_is_too_small_for_the_loads_ends_in_compute_and_not_in_waiting_for_ever() -> None:
    blocks = tuple(range(8))
    made = setup(bandwidth=1e7, losses=(50.0,), mode=Mode.LOAD_ONLY, memory_bytes=1.0)
    found = run(made, request(0, 0.0, 4200, blocks=blocks), request(1, 100.0, 4200, blocks=blocks))
    assert found.tally.whole == 2


requests = st.lists(
    st.tuples(st.floats(0, 3), st.integers(1, 6000), st.integers(1, 200), st.integers(0, 3)), min_size=1, max_size=25
)


def workload(drawn: list[tuple[float, int, int, int]]) -> list:
    made, now = [], 0.0
    for number, (gap, tokens, output, family) in enumerate(drawn):
        now += gap
        blocks = tuple(1000 * family + block for block in range(tokens // BLOCK))
        made.append(request(number, now, tokens, output, blocks))
    return made


def worlds() -> st.SearchStrategy[Setup]:
    return st.builds(
        setup,
        replicas=st.integers(1, 3),
        mode=st.sampled_from([Mode.ADAPTIVE, Mode.COMPUTE_ONLY, Mode.LOAD_ONLY]),
        bandwidth=st.sampled_from([0.0, 1e5, 1e6, 1e7, 1e12]),
        kv_tokens=st.sampled_from([7000, 20_000, 1_000_000]),
        memory_bytes=st.sampled_from([1.0, 3 * BLOCK * 1000.0, 100 * BLOCK * 1000.0]),
        losses=st.sampled_from([(), (5.0, 20.0)]),
    )


@settings(max_examples=60, deadline=None)
@given(requests, worlds())
def test_every_request_ends_once_and_all_its_tokens_come(drawn: list, made: Setup) -> None:
    asked = workload(drawn)
    found = run(made, *asked)
    tally = found.tally
    assert tally.ended == found.arrived == len(asked)
    assert tally.whole + tally.broken == tally.ended
    assert tally.input_tokens == sum(one.input_tokens for one in asked)
    whole = sum(one.output_tokens for one in asked)
    assert tally.tokens == whole if not tally.broken else tally.tokens < whole
    if not made.losses:
        assert (tally.gaps.total, tally.ttft.total) == (whole - len(asked), len(asked))


@settings(max_examples=20, deadline=None)
@given(requests, worlds())
def test_nothing_is_held_once_all_has_ended(drawn: list, made: Setup) -> None:
    fleet: list[Replica] = []
    began = Replica.__init__

    def remember(self: Replica, *args: object, **kwargs: object) -> None:
        began(self, *args, **kwargs)
        fleet.append(self)

    Replica.__init__ = remember  # type: ignore[method-assign]
    try:
        run(replace(made, losses=()), *workload(drawn))
    finally:
        Replica.__init__ = began  # type: ignore[method-assign]
    for replica in fleet:
        assert replica.in_flight == 0
        assert replica.kv_used_share == 0.0
        assert not replica.loading.planning
        assert replica.loading.ahead.chunks == 0


@settings(max_examples=15, deadline=None)
@given(requests, worlds())
def test_the_same_seed_gives_the_same_run(drawn: list, made: Setup) -> None:
    first, second = (run(made, *workload(drawn)) for _ in range(2))
    assert first == second
