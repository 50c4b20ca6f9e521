from pathlib import Path

import pytest

from benchmarks.ttft.journal import Header, Journal, JournalError
from benchmarks.ttft.records import Reference
from tests.unit.benchmarks.ttft.plays import SCALE, computed

HEADER = Header(repeats=3, engine="one")
REFERENCE = Reference(prompt="p", tokens=(1,), margins=(2.0,))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    journal = Journal(tmp_path / "folder" / "run.jsonl", HEADER, resume=False)
    journal.add_scale(SCALE)
    journal.add_reference(REFERENCE)
    journal.add_play(computed())
    return tmp_path / "folder" / "run.jsonl"


def test_a_run_goes_on_with_what_it_has(path: Path) -> None:
    journal = Journal(path, HEADER, resume=True)
    assert journal.scales == {SCALE.tokens: SCALE}
    assert journal.references == {"p": REFERENCE}
    assert journal.plays == {computed().turn: computed()}


def test_a_line_that_was_cut_short_is_played_again_and_does_not_spoil_what_follows(path: Path) -> None:
    path.write_text(path.read_text()[:-20])
    journal = Journal(path, HEADER, resume=True)
    assert journal.plays == {}
    journal.add_play(computed())
    assert list(Journal(path, HEADER, resume=True).plays) == [computed().turn]


def test_a_run_that_is_not_resumed_begins_anew(path: Path) -> None:
    assert Journal(path, HEADER, resume=False).plays == {}


@pytest.mark.parametrize("header", [Header(repeats=1, engine="one"), Header(repeats=3, engine="other")])
def test_another_run_cannot_be_gone_on_with(path: Path, header: Header) -> None:
    with pytest.raises(JournalError, match="leave out --resume"):
        Journal(path, header, resume=True)


def test_there_has_to_be_a_run_to_resume(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no run to resume"):
        Journal(tmp_path / "none.jsonl", HEADER, resume=True)


def test_a_damaged_line_is_told(path: Path) -> None:
    path.write_text(path.read_text().replace('"scale"', '"scales"'))
    with pytest.raises(JournalError, match="line 2"):
        Journal(path, HEADER, resume=True)
