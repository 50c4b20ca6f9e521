"""The operator that is kept running ends for good when the run is over, whoever waits for it in a thread."""

from pathlib import Path

import pytest

from tests.faults.kept import KeptOperator


def test_who_waits_for_an_operator_that_is_to_be_there_no_more_gives_up(tmp_path: Path) -> None:
    operator = KeptOperator(tmp_path / "kubeconfig", tmp_path / "log")
    operator.__exit__()
    with pytest.raises(RuntimeError, match="no more"):
        operator.settle()


def test_an_operator_that_was_about_to_be_started_at_the_end_does_not_stay(tmp_path: Path) -> None:
    operator = KeptOperator(tmp_path / "kubeconfig", tmp_path / "log")
    operator.__exit__()
    with pytest.raises(RuntimeError):
        operator.start()
    assert operator.wait() != 0


def test_who_starts_it_gives_up_at_once_when_its_process_has_been_ended_meanwhile(tmp_path: Path) -> None:
    operator = KeptOperator(tmp_path / "kubeconfig", tmp_path / "log")
    operator.__exit__()
    with pytest.raises(RuntimeError, match="no more"):  # an AssertionError would be asked again, for minutes
        operator._running()
