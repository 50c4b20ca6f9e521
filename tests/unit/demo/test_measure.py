import pytest

from demo.measure import Counts, ModeRun, advantage, rows


def run(mode: str = "Adaptive", ttfts: tuple[float, ...] = (1.0, 2.0, 3.0), counts: Counts | None = None) -> ModeRun:
    return ModeRun(mode, (0.0,), ttfts, ("",) * len(ttfts), (), counts or Counts())


def test_counters_are_told_from_what_they_were_before() -> None:
    before = Counts({"computed": 10.0}, (2.0, 1.5), 5.0)
    after = Counts({"computed": 30.0, "loaded": 7.0}, (6.0, 2.5), 5.0)
    assert after.since(before) == Counts({"computed": 20.0, "loaded": 7.0}, (4.0, 1.0), 0.0)


def test_a_row_has_percentiles_tokens_and_the_mean_meeting_point() -> None:
    counts = Counts({"computed": 1200.0, "loaded": 34000.0, "duplicated": 5.0}, (4.0, 1.0))
    assert rows([run(counts=counts)]) == [("Adaptive", "3", "2.00 s", "2.80 s", "1,200", "34,000", "0.25")]


def test_a_mode_without_meeting_points_has_a_dash() -> None:
    assert rows([run()])[0][-1] == "-"


@pytest.mark.parametrize(
    ("compute", "load", "adaptive", "factor"),
    [(4.0, 2.0, 1.0, 0.5), (2.0, 4.0, 1.0, 0.5), (1.0, 4.0, 2.0, 2.0)],
)
def test_the_advantage_is_over_the_better_of_the_others(
    compute: float, load: float, adaptive: float, factor: float
) -> None:
    runs = [run("ComputeOnly", (compute,)), run("LoadOnly", (load,)), run("Adaptive", (adaptive,))]
    assert advantage(runs, "Adaptive") == factor
