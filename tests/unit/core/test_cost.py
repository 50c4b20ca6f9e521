from __future__ import annotations

import random

import pytest

from cake_engine.core.cost import ComputeCost, Span


def _seconds(span: Span, decoding: int = 0, speed: float = 1.0) -> float:
    return speed * (0.02 + 0.001 * span.tokens + 2e-7 * span.attended + 0.002 * decoding)


def _taught(steps: int = 40, speed: float = 1.0, cost: ComputeCost | None = None) -> ComputeCost:
    cost = cost or ComputeCost()
    draw = random.Random(7)
    for step in range(steps):
        span = Span(start := 512 * (step % 8), start + draw.choice([128, 256, 512]))
        decoding = draw.randrange(4)
        cost.observe([span], decoding, _seconds(span, decoding, speed))
    return cost


def test_nothing_is_predicted_before_two_steps_with_prefill() -> None:
    cost = ComputeCost()
    cost.observe([Span(0, 512)], 0, 0.5)
    cost.observe([], 4, 0.02)
    assert cost.seconds(0, 512, 512) is None
    cost.observe([Span(0, 512)], 0, 0.5)
    assert cost.seconds(0, 512, 512) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(("start", "stop"), [(0, 512), (0, 256), (2048, 2560), (4096, 4608)])
def test_a_step_is_predicted_by_its_tokens_and_their_position(start: int, stop: int) -> None:
    assert _taught().seconds(start, stop, 512) == pytest.approx(_seconds(Span(start, stop)), rel=0.05)


def test_a_long_span_costs_as_many_bases_as_it_takes_steps() -> None:
    whole = sum(_seconds(Span(start, start + 512)) for start in range(0, 4096, 512))
    assert _taught().seconds(0, 4096, 512) == pytest.approx(whole, rel=0.05)


def test_one_outlier_does_not_bend_the_model() -> None:
    cost = _taught()
    before = cost.seconds(0, 4096, 512)
    cost.observe([Span(0, 512)], 0, 60.0)
    assert cost.seconds(0, 4096, 512) == pytest.approx(before, rel=0.5)


def test_a_machine_that_slows_down_threefold_is_followed_within_forty_steps() -> None:
    cost = _taught()
    _taught(steps=40, speed=3.0, cost=cost)
    assert cost.seconds(0, 512, 512) == pytest.approx(3 * _seconds(Span(0, 512)), rel=0.35)


def test_steps_that_all_look_alike_still_predict_themselves() -> None:
    cost = ComputeCost()
    for _ in range(20):
        cost.observe([Span(0, 512)], 0, 0.5)
    assert cost.seconds(0, 512, 512) == pytest.approx(0.5, rel=0.02)


def test_predictions_are_never_negative() -> None:
    cost = ComputeCost()
    for tokens, seconds in [(512, 0.1), (256, 0.4), (128, 0.9), (64, 1.3)]:
        cost.observe([Span(0, tokens)], 0, seconds)
    assert (cost.seconds(0, 8192, 512) or 0.0) >= 0.0


def test_a_machine_that_slows_down_threefold_while_all_requests_decode_is_followed_within_twenty_steps() -> None:
    cost = _taught()
    for _ in range(40):
        cost.observe([], 4, _seconds(Span(0, 0), 4))
    for _ in range(20):
        cost.observe([], 4, 3 * _seconds(Span(0, 0), 4))
    assert cost.seconds(0, 512, 512, 4) == pytest.approx(3 * _seconds(Span(0, 512), 4), rel=0.35)


def test_of_steps_that_only_decode_the_first_and_then_one_in_eight_are_learned_from() -> None:
    cost = _taught()
    errors = []
    for step in range(17):
        cost.observe([], 4, _seconds(Span(0, 0), 4) * (1 + 0.01 * step))
        errors.append(cost.error)
    assert [n for n in range(1, 17) if errors[n] != errors[n - 1]] == [8, 16]
    cost.observe([Span(0, 512)], 0, 0.9 * _seconds(Span(0, 512)))
    before = cost.error
    cost.observe([], 4, 1.1 * _seconds(Span(0, 0), 4))
    assert cost.error != before
