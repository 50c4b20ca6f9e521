"""Writes are held back while they slow reads."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_operator.observe.snapshot import DeploymentSnapshot, Figure
from cake_operator.policy.tier_rates import Rates, rates
from cake_operator.policy.tuning_law import TUNING_LAW
from cake_operator.policy.writes import LEAST, Cut, WriteLimits, WriteMemory, hold_back, watch
from tests.unit.policy.figures import ABSENT, NAN, STALE, at, present

MIB = 2.0**20
QUIET = WriteMemory(quiet_seconds=0.010)
MANY = present(120)


def found(milliseconds: float | None, written: float = 50, read: float = 200, reads: float = 1000) -> Rates:
    seconds = None if milliseconds is None else milliseconds / 1000
    return Rates(seconds, read * MIB, written * MIB, 5.0, reads)


def step(
    rates: Rates, memory: WriteMemory, cap: float | None = None, most: float | None = None, seconds: float = 0
) -> tuple[float | None, str, WriteMemory]:
    limits = WriteLimits(most=None if most is None else most * MIB)
    given_cap = None if cap is None else cap * MIB
    done, memory = hold_back(
        "shared", given_cap, found=rates, memory=memory, limits=limits, now=at(seconds), law=TUNING_LAW
    )
    return (None if done.cap is None else round(done.cap / MIB, 3)), done.reason, memory


@pytest.mark.parametrize(
    ("milliseconds", "written", "cap", "becomes", "says"),
    [
        (19, 50, None, None, "left as they are"),  # slower, but not twice
        (20, 50, None, 25, "while 50 MiB/s are written: held to 25 MiB/s, with which 17.8 ms are expected"),
        (20, 40, None, None, "too little to gain if they were held to 20 MiB/s, with which 18.2 ms are expected"),
        (20, 46, 60, 23, "held to 23 MiB/s"),
        (20, 44, 60, 60, "too little to gain"),
        (20, 50, 40, 20, "held to 20 MiB/s"),
        (19, 50, 40, 44, "writes get 44 MiB/s"),
        (None, 50, 40, 44, "nothing is read from shared"),
        (None, 50, None, None, "nothing is read from shared"),
    ],
)
def test_writes_are_cut_while_they_slow_reads_and_recover_when_they_do_not(
    milliseconds: float | None, written: float, cap: float | None, becomes: float | None, says: str
) -> None:
    after, reason, _ = step(found(milliseconds, written), QUIET, cap)
    assert after == becomes
    assert says in reason


def test_a_cut_that_helped_stays() -> None:
    memory = replace(QUIET, cut=Cut(None, 0.020), uncut=50 * MIB)
    after, reason, memory = step(found(16, 35), memory, cap=35)
    assert (after, memory.cut) == (35, None)
    assert "the cut of writes helped (20 ms before)" in reason


def test_a_cut_that_did_not_help_is_taken_back_and_writes_are_left_alone_for_a_while() -> None:
    memory = replace(QUIET, cut=Cut(None, 0.020), uncut=50 * MIB)
    after, reason, memory = step(found(19, 35), memory, cap=35)
    assert after is None
    assert "did not help and is taken back" in reason
    assert step(found(20), memory, seconds=1799)[0] is None
    assert step(found(20), memory, seconds=1800)[0] == 25


def test_held_back_writes_come_back_step_by_step_until_they_are_free() -> None:
    caps, cap, memory = [], 28.0, replace(QUIET, uncut=40 * MIB)
    while cap is not None and len(caps) < 30:
        cap, _, memory = step(found(10), memory, cap)
        caps.append(cap)
    assert caps[:4] == [32, 36, 40, 44]
    assert caps[-2:] == [80, None]
    assert memory.uncut is None


def test_writes_never_get_more_than_the_user_allows() -> None:
    assert step(found(10), replace(QUIET, uncut=40 * MIB), cap=38, most=40)[0] == 40
    assert step(found(10), QUIET, cap=40, most=40)[0] == 40


def test_some_writing_always_remains() -> None:
    after, reason, _ = step(found(100), QUIET, cap=LEAST / MIB)
    assert after == LEAST / MIB
    assert "writes are at their least" in reason


def test_a_cut_that_would_cut_nothing_is_not_made() -> None:
    after, reason, memory = step(found(100, written=0.9, read=1), QUIET)
    assert (after, memory) == (None, QUIET)
    assert "writes are at their least, 0.9 MiB/s" in reason


def test_the_quiet_read_time_is_the_best_and_rises_slowly() -> None:
    memory = watch(WriteMemory(), found(12), at(0), TUNING_LAW)
    memory = watch(memory, found(10), at(15), TUNING_LAW)
    for seconds in (15, 3 * 3600 + 15, 6 * 3600 + 15):  # however often it is looked at
        memory = watch(memory, found(30), at(seconds), TUNING_LAW)
    assert memory.quiet_seconds == pytest.approx(0.020)
    assert watch(memory, found(None), at(10**6), TUNING_LAW) == memory
    assert watch(memory, found(30), at(0), TUNING_LAW).quiet_seconds == memory.quiet_seconds  # a clock that went back


def test_a_read_time_of_years_ago_is_no_measure() -> None:
    memory = watch(WriteMemory(), found(10), at(0), TUNING_LAW)
    assert watch(memory, found(30), at(10**9), TUNING_LAW).quiet_seconds == pytest.approx(0.030)


def test_a_few_reads_say_nothing_of_their_time() -> None:
    few = found(20, reads=99)
    assert watch(QUIET, found(5, reads=99), at(0), TUNING_LAW) == QUIET
    after, reason, _ = step(few, QUIET)
    assert after is None
    assert "99 reads of the 100 it takes are made from shared" in reason
    assert step(few, QUIET, cap=40)[0] == 44  # whose reads are few, writes need not stand back for them


@pytest.mark.parametrize(("less", "milliseconds"), [(0, 20), (50, 16), (200, 10)])
def test_of_less_writing_reads_are_expected_to_get_the_bandwidth(less: float, milliseconds: float) -> None:
    assert found(20).expected(less * MIB) == pytest.approx(milliseconds / 1000)


def tier(read: Figure, written: Figure, seconds: Figure, pods: Figure, reads: Figure = MANY) -> DeploymentSnapshot:
    return DeploymentSnapshot(
        reads={"shared": reads},
        read_rate={"shared": read},
        write_rate={"shared": written},
        read_seconds={"shared": seconds},
        reporting_pods=pods,
    )


def test_rates_are_those_of_one_pod() -> None:
    snapshot = tier(present(400), present(100), present(0.01), present(2))
    assert rates("shared", snapshot) == Rates(0.01, 200, 50, 5.0, 120)
    assert rates("shared", replace(snapshot, read_seconds={"shared": NAN})) == Rates(None, 200, 50, 5.0, 120)


@pytest.mark.parametrize(
    ("snapshot", "says"),
    [
        (DeploymentSnapshot(), "read rate of shared is absent; write rate of shared is absent"),
        (tier(present(1), STALE, present(1), present(1)), "write rate of shared is stale"),
        (tier(present(1), present(1), ABSENT, present(1)), "read time of shared is absent"),
        (tier(present(1), present(1), present(1), present(1), STALE), "number of reads of shared is stale"),
        (tier(present(1), present(1), present(1), ABSENT), "the number of pods that report is absent"),
        (tier(present(1), present(1), present(1), present(0)), "the number of pods that report is 0"),
    ],
)
def test_a_missing_figure_is_named(snapshot: DeploymentSnapshot, says: str) -> None:
    missing = rates("shared", snapshot)
    assert isinstance(missing, str)
    assert says in missing


@given(st.floats(0.001, 1000), st.floats(0.001, 1000), st.floats(0, 10000), st.none() | st.floats(1, 10000))
def test_the_slower_reads_are_the_less_may_be_written(
    one: float, other: float, written: float, cap: float | None
) -> None:
    quick, slow = (step(found(milliseconds, written), QUIET, cap)[0] for milliseconds in sorted((one, other)))
    assert (slow or math.inf) <= (quick or math.inf)


@given(
    milliseconds=st.none() | st.floats(0.001, 1000),
    written=st.floats(0, 10000),
    cap=st.none() | st.floats(1, 10000),
    most=st.none() | st.floats(1, 10000),
)
def test_a_cap_stays_between_the_least_and_the_most(
    milliseconds: float | None, written: float, cap: float | None, most: float | None
) -> None:
    if most is not None:
        cap = min(cap or most, most)
    after, reason, _ = step(found(milliseconds, written), QUIET, cap, most)
    assert after is None or 1 <= after <= (most or float("inf")) + 0.001
    assert most is None or after is not None
    assert reason
