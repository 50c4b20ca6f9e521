"""Room drawn by an engine, spent by its threads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cake_engine.store.allowance import Allowance
from cake_engine.store.ledger import Ledger


class ExactLedger(Ledger):
    """Grants what is asked for and not a byte more, or fails."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, 1000)
        self.meanwhile: Callable[[], object] = lambda: None
        self.reports: list[tuple[int, int]] = []

    def report(self, *, held: int, written: int, ask: int = 0) -> int:
        self.reports.append((held, written))
        self.meanwhile()
        return ask


class Watched:
    """A lock after each release of which someone else acts at once."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self._acting = False

    def __enter__(self) -> None:
        """Nobody else is there."""

    def __exit__(self, *error: object) -> None:
        if not self._acting:
            self._acting = True
            self._act()
            self._acting = False


def test_what_a_thread_has_drawn_no_other_can_take_from_it(tmp_path: Path) -> None:
    allowance = Allowance(ExactLedger(tmp_path))
    stolen: list[bool] = []
    allowance._counts = Watched(lambda: stolen.append(allowance._spend(10)))  # type: ignore[assignment]

    assert allowance.take(10)
    assert not any(stolen)


def test_every_byte_drawn_is_free_in_flight_or_written_until_it_is_reported(tmp_path: Path) -> None:
    ledger = ExactLedger(tmp_path)
    allowance = Allowance(ledger)
    assert allowance.take(30)
    assert allowance.take(20)
    allowance.settle(30, 25)
    allowance.settle(20, 0)
    assert allowance.unreported == 25
    allowance.report()
    allowance.report()

    assert ledger.reports == [(0, 0), (30, 0), (25, 25), (25, 0)]


def test_what_could_not_be_reported_is_reported_the_next_time(tmp_path: Path) -> None:
    ledger = ExactLedger(tmp_path)
    allowance = Allowance(ledger)
    allowance.take(30)
    allowance.settle(30, 30)

    def fail() -> None:
        raise OSError(116, "Stale file handle")

    ledger.meanwhile = fail
    with pytest.raises(OSError, match="Stale"):
        allowance.report()
    ledger.meanwhile = lambda: None
    allowance.report()

    assert ledger.reports[-1] == (0, 30)
