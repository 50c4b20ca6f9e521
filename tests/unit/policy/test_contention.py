"""Two writers of replicas, over time."""

from dataclasses import dataclass, field, replace

import pytest

from cake_operator.policy.contention import Contention, ContentionHistory, contend
from tests.unit.policy.figures import at

HPA = "kube-controller-manager"


@dataclass
class Deployment:
    """A child Deployment that we ask for three replicas, unless it is left to another."""

    wanted: int = 3
    fixed: int | None = 3
    replicas: int = 3
    owner: str | None = None
    generation: int = 1
    writes: int = 0
    history: ContentionHistory = field(default_factory=ContentionHistory)

    def set_by(self, manager: str, replicas: int) -> None:
        self.owner, self.replicas, self.generation = manager, replicas, self.generation + 1

    def reconcile(self, seconds: float) -> Contention:
        found, history = contend(
            self.history,
            owner=self.owner,
            generation=self.generation,
            seen=self.replicas,
            fixed=self.fixed,
            scaled=self.fixed is None,
            now=at(seconds),
        )
        self.history = replace(history, asked=None if found.left_to else self.wanted)
        if found.left_to is None and (self.replicas, self.owner) != (self.wanted, None):
            self.replicas, self.owner, self.generation = self.wanted, None, self.generation + 1
            self.writes += 1
        return found


def test_one_edit_by_hand_is_undone_and_no_contention() -> None:
    deployment = Deployment()
    deployment.reconcile(0)
    for seconds in (15, 300):
        deployment.set_by("kubectl-edit", 7)
        assert deployment.reconcile(seconds) == Contention()
        assert deployment.replicas == 3


def test_an_autoscaler_of_the_deployment_is_named_and_not_fought() -> None:
    deployment = Deployment()
    deployment.reconcile(0)
    for round_number in range(1, 40):
        if deployment.replicas != 7:
            deployment.set_by(HPA, 7)
        found = deployment.reconcile(round_number * 15)
    assert (deployment.replicas, deployment.writes, found.left_to) == (7, 2, HPA)
    assert f"{HPA} keeps setting spec.replicas of the Deployment (7 now)" in found.sentence
    assert "have it scale the CakeDeployment" in found.sentence


def contested() -> Deployment:
    """One that was left to the autoscaler at 45 s."""
    deployment = Deployment()
    deployment.reconcile(0)
    for seconds in (15, 30, 45):
        deployment.set_by(HPA, 7)
        deployment.reconcile(seconds)
    return deployment


def test_the_truce_lasts_while_the_other_one_is_at_work_and_an_hour_more() -> None:
    deployment = contested()
    deployment.set_by(HPA, 9)
    assert deployment.reconcile(1800).left_to == HPA
    assert deployment.reconcile(1800 + 3599).left_to == HPA
    assert deployment.replicas == 9
    assert deployment.reconcile(1800 + 3600) == Contention()
    assert deployment.replicas == 3


def test_a_look_that_finds_the_same_write_again_counts_it_once() -> None:
    deployment = Deployment()
    deployment.reconcile(0)
    deployment.set_by(HPA, 7)
    for seconds in range(15, 60):  # the API server does not take our write
        found, deployment.history = contend(
            deployment.history,
            owner=HPA,
            generation=deployment.generation,
            seen=7,
            fixed=3,
            scaled=False,
            now=at(seconds),
        )
        assert found == Contention()


def test_a_foreign_number_that_is_ours_too_contradicts_nobody() -> None:
    deployment = Deployment()
    deployment.reconcile(0)
    for seconds in range(15, 300, 15):
        deployment.set_by(HPA, 3)
        assert deployment.reconcile(seconds) == Contention()


def test_foreign_numbers_far_apart_are_no_contention() -> None:
    deployment = Deployment()
    deployment.reconcile(0)
    for minutes in range(1, 120, 6):
        deployment.set_by("kubectl-edit", 7)
        assert deployment.reconcile(minutes * 60) == Contention()


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ([3, 5, 3, 5, 3], "to and fro between 5 and 3"),
        ([3, None, 3, None, 3], "to and fro between unset and 3"),
        ([3, 5, 3, 5], ""),
        ([1, 2, 3, 4, 5, 6], ""),
    ],
)
def test_a_number_that_goes_to_and_fro_in_the_spec_is_said(numbers: list[int | None], says: str) -> None:
    deployment = Deployment()
    for minute, number in enumerate(numbers):
        deployment.fixed = number
        found = deployment.reconcile(minute * 60)
    assert (says in found.sentence, bool(found.sentence)) == (True, bool(says))
    assert found.left_to is None
    assert deployment.reconcile(minute * 60 + 600) == Contention()


@pytest.mark.parametrize("owner", [None, HPA])
def test_where_the_operator_asks_for_no_number_it_is_left_to_whoever_set_it(owner: str | None) -> None:
    for _ in range(5):
        found, history = contend(
            ContentionHistory(asked=3), owner=owner, generation=1, seen=7, fixed=None, scaled=False, now=at(0)
        )
        assert (found, history) == (Contention(left_to=owner), ContentionHistory())
