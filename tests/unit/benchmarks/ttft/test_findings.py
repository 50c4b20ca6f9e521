import dataclasses

import pytest

from benchmarks.ttft.decoding import gaps
from benchmarks.ttft.findings import cell_finding, percentile, summarise, wrong_tokens
from benchmarks.ttft.grid import Cell, Contender, Situation
from benchmarks.ttft.records import Answer, Read, Reference
from tests.unit.benchmarks.ttft.plays import CELL, SCALE, TOKENS, answer, computed, play, split, step


def adaptive(ttft: float, predicted: float = 0.5, computed: int = 4, round_: int = 0):
    last = step(ttft - 0.5, ttft, ("p", TOKENS, TOKENS + 16))
    return play(Contender.ADAPTIVE, answer(ttft, split(computed, predicted)), steps=(last,), round_=round_)


def finding(*ttfts: float):
    plays = [play(Contender.LOAD_ONLY, answer(9.0)), *(adaptive(t, round_=n) for n, t in enumerate(ttfts))]
    return cell_finding(CELL, plays, [computed()], SCALE)


def test_a_cell_is_judged_by_its_medians() -> None:
    found = finding(5.0, 4.8, 50.0)
    assert found.ttft == {"ComputeOnly": 8.5, "LoadOnly": 9.0, "Adaptive": 5.0}
    assert (found.oracle, found.ratio) == (4.5, 1.0)
    assert (found.vs_oracle, found.vs_better, found.possible) == pytest.approx((5 / 4.5, 8.5 / 5, 8.5 / 4.5))
    assert (found.best_meeting, found.predicted, found.actual) == (0.5, 0.5, 0.5)


def test_the_better_single_resource_is_the_faster_of_those_played() -> None:
    assert cell_finding(CELL, [adaptive(5.0)], [computed()], SCALE).better == 8.5


def test_a_rate_above_what_the_tier_serves_is_not_believed() -> None:
    slow = SCALE.model_copy(update={"uncapped": 5.0})
    assert cell_finding(CELL, [adaptive(5.0)], [computed()], slow).ratio == 2.0


def test_of_all_cells_the_worst_and_the_geometric_means_are_told() -> None:
    found = [finding(4.5), finding(9.0)]
    far = dataclasses.replace(finding(4.5), cell=dataclasses.replace(CELL, ratio=4.0))
    summary = summarise([*found, far], (0, 24), 64)
    assert summary.geomean_vs_oracle == pytest.approx(2 ** (1 / 3))
    assert summary.worst_vs_better == pytest.approx(8.5 / 9.0)
    assert summary.geomean_vs_better_near_balance == pytest.approx(((8.5 / 4.5) * (8.5 / 9)) ** 0.5)
    assert summary.p95_vs_oracle == pytest.approx(2.0)


def test_a_meeting_point_is_within_a_chunk_when_it_is_off_by_no_more_than_a_steps_tokens() -> None:
    plays = [adaptive(5.0, predicted=0.5, computed=c, round_=n) for n, c in enumerate((4, 5, 6))]
    summary = summarise([cell_finding(CELL, plays, [computed()], SCALE)], (0, 0), 64)
    assert summary.meeting_within_one_chunk == 1.0
    assert summary.meeting_within_one_block == pytest.approx(2 / 3)


@pytest.mark.parametrize(("values", "percent", "expected"), [([1, 2, 3, 4], 50, 2), ([1, 2, 3, 4], 95, 4), ([5], 1, 5)])
def test_a_percentile_is_one_of_the_values(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected


@pytest.mark.parametrize(
    ("tokens", "margins", "wrong", "compared"),
    [
        ((1, 2, 3), (2.0, 2.0, 2.0), 0, 3),
        ((1, 9, 3), (2.0, 2.0, 2.0), 1, 3),
        ((1, 9, 9), (2.0, 0.1, 2.0), 0, 1),  # plain compute was undecided at the second: what follows is another text
        ((9,), (2.0, 2.0, 2.0), 1, 1),
    ],
)
def test_tokens_are_compared_as_far_as_plain_compute_was_decided(
    tokens: tuple[int, ...], margins: tuple[float, ...], wrong: int, compared: int
) -> None:
    references = {"p": Reference(prompt="p", tokens=(1, 2, 3), margins=margins)}
    played = play(Contender.ADAPTIVE, answer(1.0, tokens=tokens), answer(1.0, prompt="not compared"))
    assert wrong_tokens([played], references) == (wrong, compared)


def test_gaps_between_tokens_are_told_apart_by_what_the_engine_did() -> None:
    cell = Cell(Situation.DECODING, TOKENS, 1.0)
    times = (0.0, 1.0, 2.0, 4.0, 9.0)
    decoder = Answer(prompt="d", measured=False, arrived=0.0, tokens=(1,) * 5, times=times)
    steps = (step(4.0, 9.0, ("p", 0, 256)),)
    played = play(
        Contender.ADAPTIVE,
        answer(7.0, arrived=2.0),
        decoder,
        steps=steps,
        reads=(Read(time=3.0, bytes=1),),
        cell=cell,
    )
    found = gaps([played, computed()])
    assert found is not None
    assert (found.quiet, found.loading, found.by_contender) == (1.0, 2.0, {"Adaptive": 5.0})
    assert gaps([computed()]) is None
