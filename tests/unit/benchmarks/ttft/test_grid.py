import pytest

from benchmarks.ttft.grid import FULL, QUICK, Cell, Contender, Situation, groups, matching, turns


@pytest.mark.parametrize("cells", [FULL, QUICK])
def test_every_turn_has_a_name_of_its_own(cells: tuple[Cell, ...]) -> None:
    names = [turn.name for turn in turns(cells, 3)]
    assert len(set(names)) == len(names)


def test_every_group_is_computed_plainly_once_a_round_and_before_its_cells() -> None:
    order = turns(FULL, 3)
    for group in groups(FULL):
        own = [turn for turn in order if turn.cell.group == group]
        computed = [n for n, turn in enumerate(own) if turn.contender is Contender.COMPUTE_ONLY]
        assert len(computed) == 3
        assert computed[0] == 0


def test_within_a_round_caps_only_fall() -> None:
    first = [turn.cell.ratio for turn in turns(FULL, 1) if turn.cell.group == groups(FULL)[0]]
    assert first == sorted(first)


def test_every_cell_is_played_adaptively_in_every_round_and_load_only_where_it_could_win() -> None:
    order = turns(FULL, 2)
    for cell in FULL:
        played = [turn.contender for turn in order if turn.cell == cell]
        assert played.count(Contender.ADAPTIVE) == 2
        assert Contender.LOAD_ONLY in played or cell.ratio > 1


def test_the_grid_covers_what_the_page_promises() -> None:
    assert {cell.situation for cell in FULL} == set(Situation)
    assert {cell.tokens for cell in FULL} == {2048, 4096, 8192}
    assert {cell.prefetch_share for cell in FULL if cell.situation is Situation.QUEUED} == {0.0, 0.5}


def test_cells_are_chosen_by_a_part_of_their_name() -> None:
    assert {cell.situation for cell in matching(FULL, "together")} == {Situation.TOGETHER}
    assert [cell.name for cell in matching(FULL, r"queued/2048/1/.*=0$")] == ["queued/2048/1/prefetch=0"]
