"""Plans of faults: the same for the same seed, and all that the issue asks for."""

import pytest

from tests.faults.events import Blow, Kill, KillLater, Watch
from tests.faults.namespaces import is_of, namespace_of
from tests.faults.plan import FAULTS, MEASURED, UNDISTURBED, WATCHED, WRITES, Fault, named, plan
from tests.faults.stages import SPEC, Stage, after, before, fewest, pods

EVERY_PLAN = [plan(fault, seed) for fault in FAULTS for seed in range(fault.seeds)]


def test_there_are_two_hundred_runs_at_least() -> None:
    assert len(EVERY_PLAN) >= 200


def test_a_seed_means_the_same_in_every_process() -> None:
    assert plan(named("SIGKILL"), 7) == plan(named("SIGKILL"), 7)
    assert plan(named("watch cut"), 3).event == Watch(Blow.CUT, frozenset({"configmaps", "persistentvolumeclaims"}))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_stage_of_a_fault_has_its_turn(fault: Fault) -> None:
    assert {plan(fault, seed).stage for seed in range(fault.seeds)} == set(fault.stages)


def test_the_operator_is_killed_at_fifty_points_none_of_them_after_the_last_write() -> None:
    killed = [one for one in EVERY_PLAN if isinstance(one.event, Kill | KillLater)]
    assert len(killed) == 50
    for one in killed:
        if isinstance(one.event, Kill):
            assert 1 <= one.event.at <= WRITES[one.stage]
    assert {one.stage for one in killed} == set(SPEC)
    assert {one.event.carried_out for one in killed if isinstance(one.event, Kill)} == {True, False}


def test_watches_are_struck_of_kinds_that_are_watched() -> None:
    for one in EVERY_PLAN:
        if isinstance(one.event, Watch):
            assert one.event.plurals <= set(WATCHED)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_how_each_stage_goes_without_a_fault_is_known(fault: Fault) -> None:
    known = {plan(one, seed).stage for one in (UNDISTURBED, MEASURED) for seed in range(one.seeds)}
    assert set(fault.stages) <= known


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_no_fault_has_its_subjects_where_another_has(fault: Fault) -> None:
    place = namespace_of(fault, 3)
    assert [other.name for other in (*FAULTS, UNDISTURBED, MEASURED) if is_of(other, place)] == [fault.name]


def test_what_a_stage_is_about_is_between_its_two_specs() -> None:
    assert before(Stage.CREATE) is None
    assert after(Stage.DELETE) is None
    for stage in (Stage.ROLLOUT, Stage.SCALE_UP, Stage.SCALE_DOWN, Stage.RETUNE, Stage.PRUNE, Stage.SHRINK, Stage.HOLD):
        assert before(stage) != after(stage)


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.DELETE])
def test_a_stage_ends_with_no_fewer_pods_than_there_must_be_all_the_time(stage: Stage) -> None:
    assert pods(stage) >= fewest(stage) >= 1
