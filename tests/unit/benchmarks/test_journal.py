"""Figures that outlive the process that measured them."""

from pathlib import Path

import pytest

from benchmarks.journal import Journal, JournalError


def test_a_journal_goes_on_after_the_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    Journal(path, "code", resume=False).add("files/1", {"files": 1.0})
    path.write_text(path.read_text() + '{"cell": "files/2", "fig')
    journal = Journal(path, "code", resume=True)
    journal.add("files/3", {"files": 3.0})

    assert list(Journal(path, "code", resume=True).figures) == ["files/1", "files/3"]


def test_a_journal_of_other_code_is_not_gone_on_with(tmp_path: Path) -> None:
    Journal(tmp_path / "some.jsonl", "code", resume=False)

    with pytest.raises(JournalError, match="other code"):
        Journal(tmp_path / "some.jsonl", "other", resume=True)
    with pytest.raises(JournalError, match="no run to resume"):
        Journal(tmp_path / "none.jsonl", "code", resume=True)
