import pytest

from benchmarks.ttft.grid import Contender
from benchmarks.ttft.losses import losses, read_rate, step_error
from benchmarks.ttft.oracle import Prices
from benchmarks.ttft.records import Play, Read
from tests.unit.benchmarks.ttft.plays import TOKENS, answer, play, split, step

PRICES = Prices(tuple(float(k) for k in range(9)), 1.0, last_step=0.5)
LAST = ("p", TOKENS, TOKENS + 16)


def adaptive(chunks: int, *, stepped: float, read: float, last: tuple[float, float]) -> Play:
    steps = (step(0.0, stepped, ("p", 0, chunks * 64)), step(*last, LAST))
    return play(Contender.ADAPTIVE, answer(last[1], split(chunks)), steps=steps, reads=(Read(time=read, bytes=10),))


@pytest.mark.parametrize(
    ("played", "parts", "cause"),
    [
        (adaptive(4, stepped=4.0, read=4.0, last=(4.0, 4.5)), (0, 0, 0, 0), None),
        (adaptive(6, stepped=6.0, read=2.0, last=(6.0, 6.5)), (2, 0, 0, 0), "the meeting point"),
        (adaptive(4, stepped=5.0, read=4.0, last=(5.0, 5.5)), (0, 1, 0, 0), "the pace of compute"),
        (adaptive(4, stepped=4.0, read=5.5, last=(5.5, 6.0)), (0, 0, 1.5, 0), "the pace of the loads"),
        (adaptive(4, stepped=4.0, read=4.0, last=(4.0, 5.0)), (0, 0, 0, 0.5), "the end"),
    ],
)
def test_the_time_over_the_oracle_is_divided_without_rest(
    played: Play, parts: tuple[float, ...], cause: str | None
) -> None:
    loss = losses(played, PRICES)
    assert loss is not None
    assert (loss.split, loss.compute, loss.loads, loss.last_step) == pytest.approx(parts)
    assert sum(parts) == pytest.approx(played.ttft - PRICES.best())
    assert cause is None or loss.cause.startswith(cause)


def test_a_last_step_that_computes_the_end_of_the_prefix_is_mostly_the_prefixes() -> None:
    steps = (step(0.0, 4.0, ("p", 0, 256)), step(4.0, 8.5, ("p", 256, TOKENS + 16)))
    loss = losses(play(Contender.ADAPTIVE, answer(8.5, split(8)), steps=steps), PRICES)
    assert loss is not None
    assert (loss.split, loss.compute, loss.last_step) == pytest.approx((4.0, 0.0, 0.0))


def test_a_tier_that_is_late_at_first_delivers_less_than_its_cap() -> None:
    late = play(Contender.ADAPTIVE, answer(1.0), reads=(Read(time=3.0, bytes=10), Read(time=4.0, bytes=10)))
    assert read_rate([late]) == pytest.approx(20 / 4.0 / 10.0)
    assert read_rate([play(Contender.ADAPTIVE, answer(1.0))]) is None


def test_steps_are_compared_with_what_the_engine_expected() -> None:
    steps = (step(0.0, 2.0, ("p", 0, 1), predicted=3.0), step(2.0, 3.0, ("p", 1, 2)))
    assert step_error([play(Contender.ADAPTIVE, answer(1.0), steps=steps)]) == pytest.approx(0.5)
    assert step_error([]) is None
