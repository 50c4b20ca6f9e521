from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.control import contention, retention
from benchmarks.control.calibration import Compared
from benchmarks.control.comparing import COLD_STARTS, DRAWN, Run, Search, setup
from benchmarks.control.contenders import CONTENDERS, MOST, ORACLE, STATIC
from benchmarks.control.contention import Contended, Turned
from benchmarks.control.modes import GIGABYTES, MORE_REPLICAS, WAYS, Served
from benchmarks.control.paper import Figure6, Reproduced, device, two_pointers
from benchmarks.control.report import Found, write
from benchmarks.control.retention import Retained, Workload
from benchmarks.control.scaled import NAMES, Scaled
from benchmarks.control.scenarios import FLAT, MOVING, SCENARIOS
from benchmarks.control.standing import Standing, closest, standing_at, standings
from benchmarks.control.waking import Woken
from benchmarks.core.paper import CELLS, CHUNK, PROMPT
from cake_engine.config import LiveConfig
from cake_engine.core.meeting import Costs
from cake_engine.core.plan import Plan
from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_simulator import hardware
from cake_simulator.conversations import conversations
from cake_simulator.policies.policy import Look
from cake_simulator.result import Moment
from tests.unit.simulator.test_trace import EXCERPT


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(0.90, 2.0), (1.0, 4.0)], 3.0),
        ([(0.96, 2.0), (0.99, 4.0)], 2.0),
        ([(0.5, 2.0), (0.94, 4.0)], None),
        ([(0.99, 2.0), (0.5, 3.0), (0.99, 4.0)], 2.0),
    ],
)
def test_hours_at_an_attainment_lie_between_the_settings_on_both_sides_of_it(
    points: list[tuple[float, float]], expected: float | None
) -> None:
    found = standing_at([Standing(0.0, {"flat": attainment}, {"flat": hours}) for attainment, hours in points])
    assert (found and found.replica_hours) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("attainments", "taken"), [((0.9, 0.96, 0.99), 1), ((0.9, 0.91, 0.94), 2), ((0.96, 0.9, 0.99), 0)]
)
def test_a_user_takes_the_cheapest_setting_that_attains_it_or_else_what_attains_most(
    attainments: tuple[float, ...], taken: int
) -> None:
    found = [Standing(n, {"flat": one}, {"flat": 1.0 + n}) for n, one in enumerate(attainments)]
    assert closest(found).setting == taken


@given(st.integers(1, 30), st.integers(0, 30))
def test_the_search_ends_between_the_last_setting_that_fails_and_the_first_that_does_not(
    settings: int, fails: int
) -> None:
    search, played = Search(range(settings)), []
    while not search.over:
        played.append(search.next)
        search.tell(search.next >= fails)
    assert len(played) == len(set(played)) <= settings.bit_length()
    for neighbour in (fails - 1, fails):
        assert neighbour in played or not 0 <= neighbour < settings


def moments(scenario: str) -> tuple[Moment, ...]:
    return (Moment(15.0, 2, 2, 3, 1.0), Moment(30.0, 2, 2, 3, None)) if scenario in DRAWN else ()


def scaled() -> Scaled:
    """The first three settings of each law, the more generous the later; ours takes twice the hours."""

    def run(law: str, setting: float, number: int, scenario: str, cold_start: float) -> Run:
        hours = (2.0 if law == "ours" else 1.0) * (1 + number)
        return Run(law, setting, scenario, 0, cold_start, 0.9 + 0.05 * number, hours, 0, moments(scenario))

    runs = [
        run(one.name, setting, number, scenario, 90.0)
        for one, scenario in product(CONTENDERS, NAMES)
        for number, setting in enumerate(one.settings[:3])
    ]
    cold = [
        run(one.name, one.settings[1], 0, scenario.name, start)
        for one, scenario, start in product(CONTENDERS, MOVING, COLD_STARTS)
        if one.name != STATIC and start != 90.0
    ]
    return Scaled(runs, cold, 90.0)


def test_a_standing_takes_the_mean_attainment_and_the_sum_of_hours_over_the_scenarios() -> None:
    first = standings(scaled().runs, ORACLE, NAMES)[0]
    assert (first.attainment, first.replica_hours) == (pytest.approx(0.9), pytest.approx(len(NAMES)))


def test_several_seeds_count_as_their_mean() -> None:
    one, other = (Run("ours", 1.0, "day", seed, 90.0, 0.9 + 0.1 * seed, 1.0 + seed, 0) for seed in (0, 1))
    found = standings([one, other], "ours", ["day"])
    assert [(s.attainment, s.replica_hours) for s in found] == [(pytest.approx(0.95), pytest.approx(1.5))]


def test_ours_is_compared_with_each_kind_of_law_at_one_setting_for_all() -> None:
    figures = {name: value for name, value in scaled().figures().items() if name.startswith("replica_hours")}
    assert figures == dict.fromkeys(figures, pytest.approx(2.0))
    assert len(figures) == 5


def test_a_law_that_comes_to_it_at_no_setting_is_compared_with_nothing() -> None:
    found = scaled()
    worse = [replace(run, attainment=0.5) if run.contender == "ours" else run for run in found.runs]
    assert set(replace(found, runs=worse).figures().values()) == {None}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda one: one.name)
def test_every_law_says_a_number_within_bounds_in_every_scenario(contender, scenario) -> None:
    for setting in contender.settings:
        made = contender.fitted(setting, setup(scenario.rate(0.0), 90.0, 0, scenario.losses))
        said = contender.make(setting, scenario, made).replicas(Look(15.0, DeploymentSnapshot(), 3, 3, 1, MOST))
        assert 1 <= said <= MOST


def test_a_scenario_is_the_trace_at_its_rate() -> None:
    low, high = (len(list(replace(FLAT[number], length=1.0).requests(EXCERPT, 0))) for number in (1, 2))
    assert high == pytest.approx(3 * low, rel=0.35)  # conversations come and go whole, and some are long


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.where} {cell.what}")
def test_a_cells_device_computes_all_in_the_time_that_follows_from_the_papers_pair(cell) -> None:
    loading = PROMPT * cell.kib_per_token * 1024 / (cell.gbps * 2**27)
    assert device(cell).prefill(PROMPT, CHUNK) == pytest.approx(loading * cell.over_compute / cell.over_load)


def test_the_papers_algorithm_computes_and_loads_whatever_is_missing() -> None:
    plan = Plan(2, 10, 128)
    goal = two_pointers(plan, 256, LiveConfig(), Costs(None))
    assert (goal.meeting, goal.floor) == (10, 2)


def contended() -> list[Contended]:
    """The later a setting stands, the worse it is; ours stands last."""
    course, knobs = (1.0, None, 3.0), (Turned(30.0, 1, 5e8, 0.0), Turned(90.0, 1, None, 0.05))
    return [
        Contended(case, setting, seed, 1.0 + number + 2 * seed, 1.0, 0.5, 2, course, knobs)
        for case in contention.CASES
        for number, setting in enumerate(contention.ALL)
        for seed in (0, 1)
    ]


def test_ours_is_compared_with_the_default_and_with_the_best_fixed_setting_of_each_case() -> None:
    ours = 2.0 + len(contention.SETTINGS) + 1
    found = contended()
    better = [replace(one, ttft_p90=one.seed + 0.5) if one.setting == contention.ALL[3] else one for one in found]
    worse = [replace(one, ttft_p90=50.0) if one.case != contention.MOVING else one for one in better]
    assert contention.figures(found)["contention_ttft_p90_vs_default"] == pytest.approx(ours / 2.0)
    assert contention.figures(found)["contention_ttft_p90_vs_best_fixed"] == pytest.approx(ours / 2.0)
    assert contention.figures(better)["contention_ttft_p90_vs_best_fixed"] == pytest.approx(ours / 1.0)
    assert contention.figures(worse)["contention_ttft_p90_vs_best_fixed"] == pytest.approx(1.0)
    assert contention.figures(worse)["contention_ttft_p90_vs_best_fixed_moving"] == pytest.approx(ours / 1.0)


@pytest.mark.parametrize("case", contention.CASES)
def test_both_deployments_of_a_case_are_asked_something_that_fits_their_device(case: str) -> None:
    most = hardware.load(contention.PROFILE).kv_tokens
    for reading in contention.CASES[case](100.0):
        asked = list(conversations(reading, 100.0))
        assert asked
        assert max(one.input_tokens + one.output_tokens for one in asked) < most


def retained() -> list[Retained]:
    return [
        Retained(one.name, law, 1.0 + number, 1000)
        for one in retention.WORKLOADS
        for number, law in enumerate(retention.ALL)
    ]


def test_retention_is_compared_with_lru_workload_by_workload() -> None:
    assert retention.over_lru(retained()) == {one.name: pytest.approx(2.0) for one in retention.WORKLOADS}


@pytest.mark.parametrize("workload", retention.WORKLOADS, ids=lambda one: one.name)
def test_a_workload_comes_again_as_it_was_and_asks_for_what_it_has_asked_for(workload: Workload) -> None:
    first, again = (list(workload.requests(EXCERPT, 120.0)) for _ in range(2))
    assert first == again
    blocks = [block for one in first for block in one.blocks]
    assert len(set(blocks)) < len(blocks)


def test_the_page_is_written_with_every_law_cell_and_way_on_it(tmp_path: Path) -> None:
    found = Found(
        paper=[Reproduced(cell, (1.0, 2.0), (1.5, 2.5)) for cell in CELLS],
        figure_6=Figure6(1.5, 1.25),
        scaled=scaled(),
        woken=[Woken(0, 90.0, 1.0, 0.9, 112.0, 3)],
        bandwidths=[Served(way, gigabytes, 5, 0.5, 2.0) for way in WAYS for gigabytes in GIGABYTES],
        replicas=[Served(way, 1, number, 0.5, 2.0) for way in ("load only", "Cake") for number in MORE_REPLICAS],
        contended=contended(),
        retained=retained(),
        calibrated=[Compared("alone/2048/1", "Adaptive", 2.0, 2.2)],
        hour=30.0,
        hour_requests=300,
        minutes=20.0,
        seeds=1,
        machine="a machine",
        command="a command",
        trace="a trace",
        seconds=1.0,
    )
    write(found, tmp_path)
    page = (tmp_path / "control.md").read_text()
    assert all(f"| {one.name} |" in page for one in CONTENDERS)
    assert all(f"| {cell.where} | {cell.what} |" in page for cell in CELLS)
    assert all(f"| {way} |" in page for way in WAYS)
    assert all(f"| {setting} |" in page for setting in contention.ALL)
    assert all(f"| {one.name} |" in page for one in retention.WORKLOADS)
    assert "\n\n\n" not in page
    figures = json.loads((tmp_path / "control.json").read_text())
    assert figures["replica_hours_vs_best_baseline_at_95"] == pytest.approx(2.0)
    assert all("moments" not in run for run in figures["runs"])
    assert figures["calibration_max_error"] == pytest.approx(0.1)
    assert "| 1.50 s | 1.25 s | 1.20 | 4.8% |" in page
    for drawn in ("control.svg", "control-over-time.svg", "control-knobs.svg"):
        assert f"]({drawn})" in page
        assert (tmp_path / drawn).read_text().startswith("<?xml")
