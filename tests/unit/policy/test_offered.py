"""The load: what it is made of, and over which time it is taken."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_operator.observe.snapshot import DeploymentSnapshot, Figure
from cake_operator.policy.offered import Offered, load, offered, remember
from tests.unit.policy.figures import ABSENT, NAN, STALE, at, busy, present

WINDOW = timedelta(seconds=60)


def asked(came: float, spared: float = 0.0, decoding: float = 0.0) -> DeploymentSnapshot:
    return replace(
        busy(), offered_compute=present(came), spared_compute=present(spared), decode_compute=present(decoding)
    )


def looks(*seconds: float, requests: float = 5.0) -> tuple[Offered, ...]:
    """One every 15 s."""
    found: tuple[Offered, ...] = ()
    for number, value in enumerate(seconds):
        found = remember(found, Offered(at(15 * number), value, requests, 5.0))
    return found


@pytest.mark.parametrize(
    ("came", "spared", "decoding", "seconds"),
    [(2.0, 0.0, 0.0, 2.0), (2.0, 0.5, 0.3, 1.8), (2.0, 3.0, 0.3, 0.3), (0.0, 0.0, 0.0, 0.0)],
)
def test_what_is_spared_is_taken_off_and_what_decoding_costs_is_added(
    came: float, spared: float, decoding: float, seconds: float
) -> None:
    found = offered(asked(came, spared, decoding), 2, at(0))
    assert isinstance(found, Offered)
    assert (found.seconds, found.requests, found.age_seconds) == (pytest.approx(seconds), 5, 5)


@pytest.mark.parametrize("unknown", [ABSENT, STALE, NAN])
@pytest.mark.parametrize(
    ("figure", "name"),
    [
        ("offered_compute", "offered compute"),
        ("spared_compute", "spared compute"),
        ("decode_compute", "compute of decoding"),
        ("arrivals", "arrivals"),
        ("reporting_pods", "the number of pods that report"),
    ],
)
def test_each_figure_that_is_missing_is_named_and_none_is_a_zero(unknown: Figure, figure: str, name: str) -> None:
    snapshot = replace(asked(2.0), **{figure: unknown})
    assert offered(snapshot, 2, at(0)) == f"{name} {unknown.why_not}"


def test_a_pod_that_does_not_report_has_a_load_that_nobody_knows() -> None:
    assert offered(asked(2.0), 3, at(0)) == "only 2 of 3 ready pods report"


def test_no_rate_is_so_high_that_it_cannot_be() -> None:
    assert "cannot be" in str(offered(asked(1e300), 2, at(0)))


def test_a_steady_load_is_the_mean_of_all_that_is_kept() -> None:
    found = load(looks(1.0, 1.2, 0.8, 1.0, 1.1), WINDOW, 3.0)
    assert (found.seconds, found.over) == (pytest.approx(1.02), timedelta(seconds=60))


def test_a_step_up_is_believed_at_once_and_what_was_before_is_left_out() -> None:
    found = load(looks(1.0, 1.0, 1.0, 1.0, 3.0), WINDOW, 3.0)
    assert (found.seconds, found.over) == (3.0, timedelta(0))


@pytest.mark.parametrize(("newest", "believed"), [(1.2, False), (1.3, True), (0.8, False), (0.7, True)])
def test_a_mean_holds_as_long_as_the_newest_look_differs_by_no_more_than_twice_what_chance_does(
    newest: float, believed: bool
) -> None:
    # 300 requests in the window and a spread of 3: chance moves it by 12%.
    found = load(looks(*[1.0] * 20, newest), WINDOW, 3.0)
    assert (found.seconds == pytest.approx(1.0, abs=0.02)) != believed


def test_the_error_of_a_mean_follows_from_the_requests_of_all_its_time() -> None:
    # 5 a second for one minute, and for five more: 300 and 1800 requests.
    assert load(looks(1.0), WINDOW, 3.0).error == pytest.approx((4 / 300) ** 0.5)
    assert load(looks(*[1.0] * 21), WINDOW, 3.0).error == pytest.approx((4 / 1800) ** 0.5)


def test_fewer_requests_say_less() -> None:
    steps = [1.0] * 20 + [1.4]
    assert load(looks(*steps, requests=5), WINDOW, 3.0).seconds > 1.1
    assert load(looks(*steps, requests=0.2), WINDOW, 3.0).seconds == pytest.approx(1.0, abs=0.05)


def test_looks_that_follow_close_upon_each_other_are_not_all_kept_and_do_not_push_out_the_old() -> None:
    found: tuple[Offered, ...] = ()
    for second in range(600):
        found = remember(found, Offered(at(second), 1.0, 5.0))
    assert 40 <= len(found) <= 50
    assert found[0].at <= at(135)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(1e-6, 1e6), st.floats(0, 60)), min_size=1, max_size=60))
def test_the_load_is_between_the_least_and_the_most_that_was_seen(given_: list[tuple[float, float, float]]) -> None:
    found: tuple[Offered, ...] = ()
    now = 0.0
    for seconds, requests, later in given_:
        now += later
        found = remember(found, Offered(at(now), seconds, requests))
    assert len(found) <= 51
    result, values = load(found, WINDOW, 3.0), [look.seconds for look in found]
    assert min(values) * (1 - 1e-9) <= result.seconds <= max(values) * (1 + 1e-9)
    assert result.request_seconds >= 0
    assert result.over <= timedelta(minutes=8)
