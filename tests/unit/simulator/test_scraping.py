from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import pytest

from cake_operator.observe.snapshot import DeploymentSnapshot, State
from cake_simulator.policies.policy import Look
from cake_simulator.scraping import Scraping, quantile
from cake_simulator.simulation import simulate
from tests.unit.simulator.fleets import DEVICE, request, setup


class Watching:
    """Asks for nothing, and remembers what it saw."""

    def __init__(self) -> None:
        self.seen: dict[float, DeploymentSnapshot] = {}
        self.to_come: dict[float, float | None] = {}

    def replicas(self, look: Look) -> int:
        self.seen[look.now] = look.snapshot
        self.to_come[look.now] = look.tokens_to_come.value
        return look.current


def watched(scraping: Scraping, seconds: float = 300.0) -> dict[float, DeploymentSnapshot]:
    policy = Watching()
    asked = [request(n, n * 1.0, 512, output=20) for n in range(int(seconds))]
    simulate(replace(setup(2), scraping=scraping), asked, policy)
    return policy.seen


@pytest.mark.parametrize(
    ("percentile", "rates", "expected"),
    [
        (50, (0, 10, 0, 0), 1.5),
        (90, (10, 0, 0, 0), 0.9),
        (50, (5, 5, 0, 0), 1.0),
        (75, (5, 5, 0, 0), 1.5),
        (99, (0, 0, 0, 10), 4.0),
    ],
)
def test_a_percentile_is_taken_from_buckets_as_prometheus_does(
    percentile: float, rates: tuple[float, ...], expected: float
) -> None:
    assert quantile(percentile, (1.0, 2.0, 4.0), rates) == pytest.approx(expected)


def test_a_percentile_of_nothing_is_not_a_number_and_of_nothing_known_is_none() -> None:
    assert math.isnan(quantile(90, (1.0,), (0, 0)) or 0.0)
    assert quantile(90, (1.0,), None) is None


def test_figures_come_as_the_fleet_is_asked() -> None:
    seen = watched(Scraping(interval=15.0, delay=2.0))
    one = seen[240.0]
    assert one.arrivals.value == pytest.approx(1.0, rel=0.1)
    assert one.tokens.value == pytest.approx(532, rel=0.1)
    assert one.reporting_pods.value == 2
    assert one.ttft.value is not None
    assert 0.05 < one.ttft.value < 0.1
    assert one.ttft.age_seconds == pytest.approx(15.0)  # the scrape of this very moment cannot be asked for yet


def test_before_two_scrapes_nothing_is_known_and_nothing_is_zero() -> None:
    first = watched(Scraping(interval=15.0, delay=2.0), seconds=40.0)[15.0]
    assert first.ttft.state is State.ABSENT
    assert first.tokens.state is State.ABSENT
    assert first.running.value is not None


def test_an_outage_leaves_no_figure_at_all() -> None:
    seen = watched(Scraping(outages=((100.0, 200.0),)))
    assert seen[150.0] == DeploymentSnapshot()
    assert seen[210.0].ttft.value is not None


def test_tokens_that_are_to_come_are_those_of_prompts_that_are_not_on_the_device() -> None:
    policy = Watching()
    simulate(setup(1), [request(n, 10.0, 512) for n in range(600)], policy)
    # 60 ms each, one after the other: the scrape at second 15, of which second 30 knows, finds most of them.
    waiting = policy.to_come[30.0]
    assert waiting is not None
    assert waiting % 512 == 0
    assert 450 * 512 < waiting < 600 * 512


def test_figures_are_stale_once_the_newest_scrape_is_too_old() -> None:
    seen = watched(Scraping(interval=15.0, delay=100.0))
    assert seen[270.0].ttft.state is State.STALE


def test_a_scrape_that_fails_leaves_a_gap_that_the_window_bridges() -> None:
    seen = watched(Scraping(interval=15.0, loss=0.3))
    known = [one for moment, one in seen.items() if moment > 60 and one.tokens.value is not None]
    assert len(known) > 10
    assert Random(1).random() != Random(2).random()


def test_the_load_is_what_came_less_what_was_on_the_device_and_what_decoding_adds() -> None:
    policy = Watching()
    same = tuple(range(8))
    asked = [request(n, 2.0 * n, 8 * 512 + 100, output=40, blocks=same) for n in range(120)]
    simulate(setup(1), asked, policy)
    seen = policy.seen[225.0]
    came, spared, decoding = (
        figure.value or 0.0 for figure in (seen.offered_compute, seen.spared_compute, seen.decode_compute)
    )
    alone = [DEVICE.prefill(tokens, 512) for tokens in (8 * 512, 8 * 512 + 100)]
    assert came == pytest.approx(alone[1] / 2, rel=0.1)
    assert spared == pytest.approx(alone[0] / 2, rel=0.1)
    assert 0 < decoding < 39 / 2 * DEVICE.step((), 1, 4200)
