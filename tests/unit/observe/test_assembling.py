"""Answers to snapshots."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_operator.observe.answers import Answer, MalformedAnswerError, samples
from cake_operator.observe.assembling import assemble, figure
from cake_operator.observe.queries import Query
from cake_operator.observe.sampling import Watched
from cake_operator.observe.snapshot import ABSENT, DeploymentSnapshot, Figure, FleetSnapshot, State

STALE_AFTER = timedelta(seconds=45)
WINDOW = timedelta(seconds=60)
CHAT = ("team-a", "chat")


@pytest.mark.parametrize(
    ("value", "age", "state"),
    [
        (1.0, 5.0, State.PRESENT),
        (0.0, 5.0, State.PRESENT),
        (1.0, 45.0, State.PRESENT),
        (1.0, 45.1, State.STALE),
        (1.0, None, State.STALE),
        (math.nan, 5.0, State.NAN),
        (math.inf, 5.0, State.NAN),
        (math.nan, 50.0, State.STALE),
        (None, 5.0, State.ABSENT),
        (None, None, State.ABSENT),
    ],
)
def test_the_state_of_a_figure(value: float | None, age: float | None, state: State) -> None:
    found = figure(value, age, STALE_AFTER)
    assert found == Figure(value if state is State.PRESENT else None, age, state)


@given(st.none() | st.floats(), st.none() | st.floats(min_value=0, allow_nan=False))
def test_a_figure_has_a_value_only_when_it_may_be_acted_on(value: float | None, age: float | None) -> None:
    found = figure(value, age, STALE_AFTER)
    assert found.value is None or (found.state is State.PRESENT and math.isfinite(found.value))
    assert bool(found.why_not) == (found.value is None)


@pytest.mark.parametrize(("value", "state"), [(None, State.PRESENT), (1.0, State.STALE)])
def test_a_figure_that_contradicts_itself_cannot_be_made(value: float | None, state: State) -> None:
    with pytest.raises(ValueError, match="if and only if"):
        Figure(value, 1.0, state)


def sample(text: str, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "value": [1700000000.0, text]}


def test_samples_are_read_by_owner_and_part() -> None:
    result = [
        sample("1.5", namespace="team-a", cake_dev_deployment="chat", tier="shared"),
        sample("NaN", namespace="team-a", cake_dev_deployment="chat", tier="memory"),
    ]
    found = samples(result, "tier")
    assert found[CHAT]["shared"] == 1.5
    assert math.isnan(found[CHAT]["memory"])


@pytest.mark.parametrize(
    "result",
    [
        None,
        "text",
        {"a": 1},
        [1],
        ["text"],
        [{}],
        [{"metric": {}, "value": 1}],
        [{"metric": {}, "value": [1, "many"]}],
        [{"metric": {}, "values": [[1, "1"]]}],
        [{"metric": None, "value": [1, "1"]}],
    ],
)
def test_what_is_not_a_vector_is_refused(result: Any) -> None:
    with pytest.raises(MalformedAnswerError, match="expected"):
        samples(result)


def ask(figure: str, by: str = "", percentile: float | None = None) -> Query:
    return Query(figure, f"{figure}-{percentile}", "clock", WINDOW, by, percentile)


def answer(value: float, age: float = 1.0, part: str = "") -> Answer:
    return Answer({CHAT: {part: value}}, {CHAT: {part: age}})


def test_each_deployment_gets_its_own_figures() -> None:
    answers = {
        ask("ttft", percentile=90.0): answer(0.5),
        ask("ttft", percentile=99.0): answer(0.9),
        ask("running"): answer(3.0),
        ask("read_rate", by="tier"): answer(7.0, part="shared"),
        ask("generations", by="pod"): answer(4.0, part="chat-0"),
    }
    found = assemble([Watched(*CHAT), Watched("team-b", "chat"), Watched("team-a", "other")], answers, STALE_AFTER)
    assert found[CHAT] == DeploymentSnapshot(
        ttft=Figure.present(0.5, 1.0),
        running=Figure.present(3.0, 1.0),
        read_rate={"shared": Figure.present(7.0, 1.0)},
        generations={"chat-0": 4},
    )
    assert found["team-b", "chat"] == found["team-a", "other"] == DeploymentSnapshot()


def test_a_deployment_is_asked_at_the_percentile_of_its_slo() -> None:
    answers = {ask("ttft", percentile=90.0): answer(0.5), ask("ttft", percentile=99.0): answer(0.9)}
    found = assemble([Watched(*CHAT, ttft_percentile=99.0)], answers, STALE_AFTER)
    assert found[CHAT].ttft.value == 0.9


def test_a_generation_of_old_samples_is_not_reported() -> None:
    answers = {ask("generations", by="pod"): answer(4.0, age=60.0, part="chat-0")}
    assert assemble([Watched(*CHAT)], answers, STALE_AFTER)[CHAT].generations == {}


def test_a_deployment_that_nobody_measured_is_absent_in_every_figure() -> None:
    assert FleetSnapshot(datetime.now(UTC)).of("team-a", "chat").ttft is ABSENT
