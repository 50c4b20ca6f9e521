"""The balance over time: one knob at a time, each change confirmed and judged before the next."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.config import Knobs
from cake_operator.api import BalanceSpec
from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_operator.policy import balance
from cake_operator.policy.balance import BalanceHistory
from cake_operator.policy.confirmation import Confirmation, confirmation
from cake_operator.policy.decision import Decision
from cake_operator.policy.knobs import starting_knobs
from tests.unit.policy.figures import ABSENT, NAN, STALE, at, present

MIB = 2.0**20
WRITE = "write_bandwidth_bytes_per_second"


def spec(*, bounds: dict[str, Any] | None = None, **fields: Any) -> BalanceSpec:
    """With retention tuned, within bounds that are given or as wide as they are by default."""
    return BalanceSpec.model_validate({"bounds": {"retainFrom": {}, **(bounds or {})}, **fields})


def measured(low: float = 0.42, read_ms: float = 10, points: float = 50, reads: float = 1000) -> DeploymentSnapshot:
    return DeploymentSnapshot(
        meeting_point_low=present(low),
        meeting_points=present(points),
        read_rate={"shared": present(400 * MIB)},
        write_rate={"shared": present(100 * MIB)},
        reads={"shared": present(reads)},
        read_seconds={"shared": present(read_ms / 1000)},
        reporting_pods=present(2),
    )


def says(generation: int, *reported: int) -> Confirmation:
    """What two pods say of a generation."""
    pods = dict(zip(("a", "b"), reported, strict=False))
    return confirmation(DeploymentSnapshot(generations=pods), ["a", "b"], generation)


@dataclass
class Tuner:
    """A deployment with one shared tier whose pods take over each change at once, unless told otherwise."""

    spec: BalanceSpec
    knobs: Knobs = field(default_factory=Knobs)
    generation: int = 1
    history: BalanceHistory = field(default_factory=BalanceHistory)
    tiers: tuple[str, ...] = ("shared",)

    def decide(
        self,
        seconds: float,
        snapshot: DeploymentSnapshot,
        confirmed: Confirmation | None = None,
        published: Knobs | None = None,
    ) -> Decision[Knobs]:
        decision, self.history = balance.decide(
            self.spec,
            self.tiers,
            snapshot=snapshot,
            current=self.knobs,
            published=published or self.knobs,
            confirmation=confirmed or says(self.generation, self.generation, self.generation),
            history=self.history,
            now=at(seconds),
        )
        if decision.value != self.knobs:
            self.knobs, self.generation = decision.value, self.generation + 1
        return decision


def test_retention_follows_the_meeting_points_one_judged_step_after_the_other() -> None:
    tuner = Tuner(spec())
    table = [
        # seconds, retention, what is said
        (0, 0.05, "p10 of 50 meeting points is 0.42, 5 s old: retention from 0.00 to 0.05"),
        (15, 0.05, "generation 2 is judged in 180 s"),
        (194, 0.05, "generation 2 is judged in 1 s"),
        (195, 0.10, "retention from 0.05 to 0.10"),
        (210, 0.10, "generation 3 is judged in 180 s"),
        (390, 0.15, "retention from 0.10 to 0.15"),
    ]
    for seconds, retention, sentence in table:
        decision = tuner.decide(seconds, measured())
        assert (decision.value.retain_from, decision.valid) == (pytest.approx(retention), True)
        assert sentence in decision.reason


def test_a_judged_change_says_until_when() -> None:
    tuner = Tuner(spec())
    tuner.decide(0, measured())
    for seconds, until in ((15, 75), (75, 195), (180, 195)):  # writes by figures of 60 s, retention by those of 180
        assert tuner.decide(seconds, measured()).until == at(until)


def test_nothing_is_turned_while_the_last_change_is_on_its_way() -> None:
    tuner = Tuner(spec())
    tuner.decide(0, measured())
    # The API server has not shown us the change yet.
    decision = tuner.decide(0.1, measured(), says(1, 1, 1), published=Knobs())
    assert "on its way" in decision.reason
    assert decision.value.retain_from == pytest.approx(0.05)


def test_a_knob_that_somebody_else_had_set_so_already_is_not_waited_for() -> None:
    tuner = Tuner(spec())
    tuner.decide(0, measured())
    tuner.generation = 1  # nothing was left to write, so no generation came of it
    assert tuner.decide(15, measured()).value.retain_from == pytest.approx(0.10)


@pytest.mark.parametrize(
    ("reported", "valid", "sentence"),
    [((2, 1), True, "waits for b"), ((2,), True, "waits for b not reporting"), ((), False, "No ready pod")],
)
def test_nothing_is_turned_before_every_pod_confirms(reported: tuple[int, ...], valid: bool, sentence: str) -> None:
    tuner = Tuner(spec(), Knobs(retain_from=0.2), generation=2)
    decision = tuner.decide(0, measured(), says(2, *reported))
    assert (decision.value, decision.valid) == (Knobs(retain_from=0.2), valid)
    assert sentence in decision.reason


def test_writes_that_slow_reads_are_cut_before_anything_else_and_the_cut_is_judged() -> None:
    tuner = Tuner(spec(), Knobs(retain_from=0.32))
    table = [
        # seconds, milliseconds of a read, MiB/s that a pod may write
        (0, 10, None),
        (15, 22, 25),
        (30, 22, 25),  # confirmed, and judged from 90 s on
        (75, 12, 25),
        (90, 12, 25),  # it helped
        (105, 12, 30),
        (120, 12, 30),
        (180, 12, 35),
    ]
    for seconds, read_ms, cap in table:
        caps = tuner.decide(seconds, measured(0.42, read_ms)).value.write_bandwidth_bytes_per_second
        assert caps == ({} if cap is None else {"shared": cap * MIB}), seconds


def test_a_cut_in_vain_is_taken_back() -> None:
    tuner = Tuner(spec(), Knobs(retain_from=0.32))
    for seconds, read_ms in ((0, 10), (15, 22), (30, 22)):
        tuner.decide(seconds, measured(0.42, read_ms))
    decision = tuner.decide(210, measured(0.42, 22))
    assert decision.value.write_bandwidth_bytes_per_second == {}
    assert "taken back" in decision.reason


def test_retention_is_left_alone_where_no_bounds_say_how_far_it_may_go() -> None:
    tuner = Tuner(BalanceSpec(), Knobs(retain_from=0.3))
    assert tuner.decide(0, measured(0.9)).value == Knobs()  # what tuning made of it, when it was asked to, goes
    found = tuner.decide(200, measured(0.9), says(tuner.generation, tuner.generation, tuner.generation))
    assert found.value == Knobs()
    assert "retention" not in found.reason
    assert "shared" in found.reason


def test_where_nothing_is_tuned_it_says_so() -> None:
    decision = Tuner(BalanceSpec(), tiers=()).decide(0, measured(0.9))
    assert (decision.value, decision.valid) == (Knobs(), True)
    assert "nothing to tune" in decision.reason


def test_the_example_in_the_documentation_is_what_happens() -> None:
    tuner = Tuner(spec())
    table = [
        # minutes, seconds, milliseconds of a read, generations of the pods; retention, MiB/s of writes, generation
        (0, 0, 10, (1, 1), 0.05, None, 2),
        (0, 15, 10, (2, 1), 0.05, None, 2),
        (0, 45, 10, (2, 2), 0.05, None, 2),
        (3, 45, 10, (2, 2), 0.10, None, 3),
        (4, 30, 10, (3, 3), 0.10, None, 3),
        (7, 30, 22, (3, 3), 0.10, 25, 4),
        (8, 15, 22, (4, 4), 0.10, 25, 4),
        (9, 15, 12, (4, 4), 0.10, 25, 4),
        (9, 30, 12, (4, 4), 0.10, 30, 5),
        (10, 15, 12, (5, 5), 0.10, 30, 5),
        (11, 15, 12, (5, 5), 0.10, 35, 6),
    ]
    for minutes, seconds, read_ms, reported, retention, cap, generation in table:
        confirmed = says(tuner.generation, *reported)
        knobs = tuner.decide(60 * minutes + seconds, measured(0.42, read_ms), confirmed).value
        assert knobs.retain_from == pytest.approx(retention)
        assert knobs.write_bandwidth_bytes_per_second == ({} if cap is None else {"shared": cap * MIB})
        assert tuner.generation == generation


def test_a_cut_that_is_taken_back_stays_within_bounds_that_changed_meanwhile() -> None:
    tuner = Tuner(spec(), Knobs(retain_from=0.32))
    for seconds, read_ms in ((0, 10), (15, 22), (30, 22)):
        tuner.decide(seconds, measured(0.42, read_ms))
    tuner.spec = spec(bounds={"writeBandwidth": {"max": "50Mi"}})
    decision = tuner.decide(210, measured(0.42, 22))
    assert decision.value.write_bandwidth_bytes_per_second == {"shared": 50 * MIB}


def test_a_cut_is_not_judged_by_the_reads_of_another_mode() -> None:
    tuner = Tuner(spec(), Knobs(retain_from=0.32))
    for seconds, read_ms in ((0, 10), (15, 22), (30, 22)):
        tuner.decide(seconds, measured(0.42, read_ms))
    tuner.spec = spec(mode="LoadOnly")
    tuner.decide(60, measured(0.42, 22))
    tuner.generation += 1
    tuner.decide(75, measured(0.42, 22))
    assert "did not help" not in tuner.decide(255, measured(0.42, 22)).reason


def test_a_cap_of_before_a_restart_comes_free_again() -> None:
    tuner = Tuner(spec(), Knobs(retain_from=0.32, **{WRITE: {"shared": 35 * MIB}}))
    for moment in range(60):
        tuner.decide(moment * 100, measured(0.42, 10))
    assert tuner.knobs.write_bandwidth_bytes_per_second == {}


@pytest.mark.parametrize("mode", ["ComputeOnly", "LoadOnly"])
def test_meeting_points_that_are_not_chosen_turn_nothing(mode: str) -> None:
    decision = Tuner(spec(mode=mode)).decide(0, measured(1.0))
    assert (decision.value, decision.valid) == (Knobs(), True)
    assert f"mode {mode}" in decision.reason


def test_figures_of_another_mode_do_not_count() -> None:
    tuner = Tuner(spec(mode="LoadOnly"))
    tuner.decide(0, measured(0.0))
    tuner.spec = spec(mode="Adaptive")
    assert "the mode became Adaptive" in tuner.decide(15, measured(0.9)).reason
    tuner.generation += 1  # the mode is published as a generation
    assert "judged" in tuner.decide(30, measured(0.9)).reason
    assert tuner.knobs == Knobs()


@pytest.mark.parametrize(
    ("snapshot", "sentence"),
    [
        (DeploymentSnapshot(), "the number of meeting points is absent; read rate of shared is absent"),
        (replace(measured(), meeting_points=STALE), "the number of meeting points is stale"),
        (replace(measured(), meeting_point_low=NAN), "p10 of the meeting points is not a number"),
        (replace(measured(0.1), write_rate={"shared": ABSENT}), "write rate of shared is absent"),
    ],
)
def test_without_figures_the_knobs_stay_and_it_says_so(snapshot: DeploymentSnapshot, sentence: str) -> None:
    decision = Tuner(spec()).decide(0, snapshot)
    assert (decision.value, decision.valid) == (Knobs(), False)
    assert sentence in decision.reason


def test_tuning_off_leaves_the_knobs_as_written() -> None:
    tuner = Tuner(spec(tuning="Off", knobs={"retainFrom": 0.95}), Knobs(retain_from=0.5))
    decision = tuner.decide(0, measured())
    assert decision.value == Knobs(retain_from=0.95)
    assert tuner.history == BalanceHistory()


def test_a_recommendation_changes_nothing_and_stands_in_the_history() -> None:
    tuner = Tuner(spec(tuning="Recommend", knobs={"retainFrom": 0.1}), Knobs(retain_from=0.1))
    for seconds in (0, 15, 200):
        decision = tuner.decide(seconds, measured())
        assert decision.value == Knobs(retain_from=0.1)
        assert decision.reason.startswith("recommended only: p10 of 50 meeting points")
        assert tuner.history.recommendation is not None
        assert tuner.history.recommendation.retain_from == pytest.approx(0.15)
    recommended = tuner.history.recommendation
    tuner.decide(215, DeploymentSnapshot())
    tuner.decide(230, measured(), says(1, 1))  # a pod that starts says nothing of the figures
    assert tuner.history.recommendation == recommended


def test_a_recommended_cut_is_not_judged_since_nobody_made_it() -> None:
    tuner = Tuner(spec(tuning="Recommend"))
    for seconds, read_ms, recommended in ((0, 10, {}), (15, 22, {"shared": 25 * MIB}), (30, 22, {"shared": 25 * MIB})):
        tuner.decide(seconds, measured(0.0, read_ms))
        assert tuner.history.recommendation is not None
        assert tuner.history.recommendation.write_bandwidth_bytes_per_second == recommended


def test_the_users_knobs_come_through_whole() -> None:
    written = {
        "prefetchShare": 0.3,
        "loadBandwidth": {"shared": "4Gi"},
        "writeBandwidth": {"shared": "64Mi"},
        "prefixTokenShare": 0.8,
        "minimumLoadTokens": 512,
        "retainFrom": 0.2,
    }
    assert starting_knobs(spec(knobs=written)) == Knobs(
        prefetch_share=0.3,
        load_bandwidth_bytes_per_second={"shared": 4 * 2.0**30},
        write_bandwidth_bytes_per_second={"shared": 64 * MIB},
        prefix_token_share=0.8,
        minimum_load_tokens=512,
        retain_from=0.2,
    )


def test_an_edit_of_one_knob_leaves_what_was_tuned() -> None:
    tuner = Tuner(spec(), Knobs(retain_from=0.3))
    tuner.decide(0, measured())
    tuner.spec = spec(knobs={"loadBandwidth": {"shared": "1Gi"}})
    decision = tuner.decide(15, measured())
    assert decision.value == Knobs(retain_from=0.3, load_bandwidth_bytes_per_second={"shared": 2.0**30})
    assert "come first" in decision.reason


def test_an_edit_of_a_tuned_knob_is_where_tuning_starts_anew() -> None:
    tuner = Tuner(spec(), Knobs(retain_from=0.3))
    tuner.decide(0, measured())
    tuner.spec = spec(knobs={"retainFrom": 0.6})
    assert tuner.decide(15, measured()).value.retain_from == 0.6


@pytest.mark.parametrize(
    ("bounds", "current", "becomes"),
    [
        ({"retainFrom": {"max": 0.2}}, Knobs(retain_from=0.3), Knobs(retain_from=0.2)),
        ({"retainFrom": {"min": 0.4}}, Knobs(retain_from=0.3), Knobs(retain_from=0.4)),
        ({"writeBandwidth": {"max": "8Mi"}}, Knobs(), Knobs(**{WRITE: {"shared": 8 * MIB}})),
        ({"writeBandwidth": {"min": "8Mi"}}, Knobs(**{WRITE: {"shared": MIB}}), Knobs(**{WRITE: {"shared": 8 * MIB}})),
        ({}, Knobs(**{WRITE: {"gone": MIB}}), Knobs()),  # a tier that is no longer there
    ],
)
def test_bounds_hold_even_when_nothing_is_known(bounds: dict[str, Any], current: Knobs, becomes: Knobs) -> None:
    assert Tuner(spec(bounds=bounds), current).decide(0, DeploymentSnapshot()).value == becomes


moments = st.builds(measured, low=st.floats(0, 1), read_ms=st.floats(0.1, 1000), points=st.sampled_from([0, 10, 1000]))


@given(st.lists(moments, max_size=12))
def test_whatever_is_measured_the_knobs_stay_in_bounds_and_one_changes_at_a_time(
    over_time: list[DeploymentSnapshot],
) -> None:
    limits = {"retainFrom": {"min": 0.1, "max": 0.5}, "writeBandwidth": {"min": "2Mi", "max": "90Mi"}}
    tuner = Tuner(spec(bounds=limits), Knobs(retain_from=0.1, **{WRITE: {"shared": 90 * MIB}}))
    for moment, snapshot in enumerate(over_time):
        before = tuner.knobs
        after = tuner.decide(moment * 100, snapshot).value
        assert 0.1 <= after.retain_from <= 0.5
        assert 2 * MIB <= after.write_bandwidth_bytes_per_second["shared"] <= 90 * MIB
        changed = [name for name in Knobs.model_fields if getattr(after, name) != getattr(before, name)]
        assert len(changed) <= 1


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(*[FINITE] * 7), min_size=1, max_size=8))
def test_absurd_figures_are_decided_by_as_any_others(over_time: list[tuple[float, ...]]) -> None:
    tuner = Tuner(spec())
    for moment, (low, points, pods, *rates) in enumerate(over_time):
        names = ("read_rate", "write_rate", "reads", "read_seconds")
        tiers = {name: {"shared": present(rate)} for name, rate in zip(names, rates, strict=True)}
        figures = {
            "meeting_point_low": present(low),
            "meeting_points": present(points),
            "reporting_pods": present(pods),
        }
        decision = tuner.decide(moment * 100, DeploymentSnapshot(**figures, **tiers))
        assert 0 <= decision.value.retain_from <= 0.9
        assert all(MIB <= cap < 1e19 for cap in decision.value.write_bandwidth_bytes_per_second.values())


@given(low=st.floats(0, 1), read_ms=st.floats(1, 100), start=st.floats(0, 0.9))
def test_constant_figures_bring_the_knobs_to_rest(low: float, read_ms: float, start: float) -> None:
    tuner = Tuner(spec(), Knobs(retain_from=start))
    for moment in range(60):
        tuner.decide(moment * 100, measured(low, read_ms))
    rested = tuner.generation
    for moment in range(60, 80):
        tuner.decide(moment * 100, measured(low, read_ms))
    assert tuner.generation == rested
