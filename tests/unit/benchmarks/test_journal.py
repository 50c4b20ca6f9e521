"""Figures that outlive the process that measured them."""

from pathlib import Path
from types import ModuleType

import pytest

import benchmarks.journal
from benchmarks.journal import Journal, JournalError, code_of


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


def test_code_is_other_code_when_any_file_of_a_package_changed_and_a_module_is_its_file(
    tmp_path: Path,
) -> None:
    package = ModuleType("package")
    package.__file__ = str(tmp_path / "__init__.py")
    (tmp_path / "part").mkdir()
    for name in ("__init__.py", "part/one.py"):
        (tmp_path / name).write_text("1")
    before, alone = code_of(package), code_of(benchmarks.journal)

    (tmp_path / "part/one.py").write_text("2")

    assert code_of(package) != before
    assert code_of(benchmarks.journal) == alone != code_of(benchmarks.journal, package)
