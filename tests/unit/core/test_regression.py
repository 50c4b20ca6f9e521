from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cake_engine.core.regression import Regression

WEIGHTS = (0.02, 0.001)


def _observe(model: Regression, steps: int, factor: float = 1.0, noise: float = 0.0, seed: int = 1) -> None:
    draw = random.Random(seed)
    for step in range(steps):
        features = (1.0, float(16 + 31 * step % 500))
        value = factor * sum(a * b for a, b in zip(WEIGHTS, features, strict=True))
        model.observe(features, value * draw.lognormvariate(0, noise))


def _error(model: Regression, factor: float = 1.0) -> float:
    errors = []
    for tokens in (16.0, 128.0, 512.0):
        true = factor * (WEIGHTS[0] + WEIGHTS[1] * tokens)
        errors.append(abs(model.predict((1.0, tokens)) / true - 1))
    return max(errors)


@given(
    prior=st.tuples(st.floats(5, 80), st.just(1.0)),
    noise=st.sampled_from([0.0, 0.05]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=25)
def test_a_prior_that_is_four_times_off_gives_way_within_twenty_observations(
    prior: tuple[float, float], noise: float, seed: int
) -> None:
    model = Regression(prior)
    _observe(model, 20, noise=noise, seed=seed)
    assert _error(model) < (0.1 if noise == 0 else 0.15)


@pytest.mark.parametrize("factor", [10.0, 3.0, 1.5, 1 / 1.5, 1 / 3, 1 / 10])
@pytest.mark.parametrize(("noise", "within"), [(0.0, 0.1), (0.05, 0.15)])
def test_a_lasting_change_is_followed_within_twenty_observations(factor: float, noise: float, within: float) -> None:
    model = Regression((1.0, 0.01))
    _observe(model, 40, noise=noise)
    _observe(model, 20, factor, noise, seed=2)
    assert _error(model, factor) < within


@pytest.mark.parametrize("outlier", [0.01, 0.1, 10.0, 1000.0])
def test_one_outlier_bends_nothing(outlier: float) -> None:
    model = Regression((1.0, 0.01))
    _observe(model, 40)
    model.observe((1.0, 256.0), outlier * 0.276)
    assert _error(model) < 0.06


def test_a_twentieth_of_outliers_is_lived_with() -> None:
    model, draw = Regression((1.0, 0.01)), random.Random(3)
    for step in range(400):
        features = (1.0, float(16 + 31 * step % 500))
        value = (WEIGHTS[0] + WEIGHTS[1] * features[1]) * draw.lognormvariate(0, 0.05)
        model.observe(features, value * (10 if step % 20 == 7 else 1))
    assert _error(model) < 0.15


def test_what_is_not_observed_is_not_forgotten() -> None:
    model = Regression((1.0, 0.01, 1.0))
    for step in range(40):
        model.observe(
            (1.0, 16.0 + 31 * step % 500, step % 4), 0.02 + 0.001 * (16 + 31 * step % 500) + 0.002 * (step % 4)
        )
    before = model.predict((1.0, 512.0, 0.0))
    for _ in range(2000):
        model.observe((1.0, 0.0, 3.0), 0.026)
    assert model.predict((1.0, 512.0, 0.0)) == pytest.approx(before, rel=0.02)


def test_features_seen_for_the_first_time_are_taken_as_they_are() -> None:
    model = Regression((1.0, 1.0))
    for _ in range(40):
        model.observe((1.0, 0.0), 0.02)
    for _ in range(2):
        model.observe((1.0, 100.0), 2.02)
    assert model.predict((1.0, 100.0)) == pytest.approx(2.02, rel=0.05)
    assert model.predict((1.0, 0.0)) == pytest.approx(0.02, rel=0.05)


def test_many_changes_leave_an_idea_of_what_nothing_observes() -> None:
    model = Regression((1.0, 0.01))
    _observe(model, 40)
    factor = 1.0
    for change in (3.0, 1 / 3) * 20:  # of clocks, seen in steps of one kind only
        factor *= change
        for _ in range(6):
            model.observe((1.0, 0.0), factor * 0.02)
    assert _error(model, factor) < 0.5


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(1e-6, 1e3)), min_size=1, max_size=40))
@settings(max_examples=50)
def test_weights_are_never_negative_whatever_is_observed(seen: list[tuple[float, float]]) -> None:
    model = Regression((1.0, 0.01))
    for tokens, value in seen:
        model.observe((1.0, tokens), value)
    assert min(model.weights) >= 0
    assert model.observations == len(seen)


def test_the_error_is_that_of_its_own_predictions() -> None:
    model = Regression((1.0, 0.01))
    assert model.error is None
    _observe(model, 60)
    assert model.error is not None
    assert model.error < 0.01
    _observe(model, 60, noise=0.2)
    assert 0.05 < model.error < 0.3


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_time_that_cannot_be_teaches_nothing(value: float) -> None:
    model = Regression((1.0, 0.01))
    model.observe((1.0, 10.0), value)
    assert model.observations == 0


_TIME = st.floats(1e-12, 1e9)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e12), st.integers(0, 200), _TIME), min_size=1, max_size=60))
def test_no_observation_makes_it_raise_or_forget_how_to_count(
    observed: list[tuple[float, float, int, float]],
) -> None:
    model = Regression((0.064, 0.001, 0.001 / 16384, 0.002))
    for tokens, attended, decoding, seconds in observed:
        model.observe((1.0, tokens, attended, float(decoding)), seconds)
        assert all(0 <= weight < float("inf") for weight in model.weights)


def test_what_cannot_be_reckoned_with_makes_it_start_anew() -> None:
    model = Regression(WEIGHTS)
    _observe(model, 20)
    model.observe((1e-300, 0.0), 1e300)
    assert model.observations == 0
    _observe(model, 20)
    assert _error(model) < 0.1
