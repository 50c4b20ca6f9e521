"""The books of a tier that several engines write, kept in its folder.

    TIER/.ledger/accounts.json     the books; whoever changes them holds the lock
    TIER/.ledger/lock              held for one change
    TIER/.ledger/collector         held, as long as it lives, by the one engine that counts and removes
    TIER/.ledger/writers/NAME      held, as long as it lives, by each engine: so its death is seen

Nothing here depends on a clock. The books are never believed for long: who comes first has them made anew by a count.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

from cake_engine.store.accounts import Accounts
from cake_engine.store.census import strays
from cake_engine.store.locks import FileLock, locked
from cake_engine.store.publishing import publish

FOLDER = ".ledger"
_PATIENCE_SECONDS = 2.0
"""For the lock of the books, which is held for as long as it takes to write a small file."""


class Ledger:
    """One engine's way to the books. Its methods wait for the file system.

    `report` and `close` are for one thread at a time, and so are `elected` and the counts.
    """

    def __init__(self, root: Path, capacity_bytes: int, key_space: str | None = None) -> None:
        """Name the place; nothing is touched.

        Args:
            root: Folder of the tier.
            capacity_bytes: What this engine was told that the tier may hold.
            key_space: Folder of the blocks that it uses; "" for who uses none, None for who does not say.
        """
        self.name = uuid.uuid4().hex
        self._key_space = key_space
        self._capacity = capacity_bytes
        self._folder = root / FOLDER
        self._books = self._folder / "accounts.json"
        self._life = FileLock(self._folder / "writers" / self.name)
        self._office = FileLock(self._folder / "collector")

    def read(self) -> Accounts:
        """The books as they are, for looking only.

        Raises:
            OSError: They could not be read.
        """
        try:
            return Accounts.parse(self._books.read_bytes())
        except FileNotFoundError:
            return Accounts()

    def knows(self, accounts: Accounts) -> bool:
        """Whether the books have this engine, and what it uses: an engine of an earlier version leaves that out."""
        writer = accounts.writers.get(self.name)
        return writer is not None and writer.key_space == self._key_space

    def report(self, *, held: int, written: int, ask: int = 0) -> int:
        """Report what this engine holds and has written, and ask for more; returns the grant: 0, or at least `ask`.

        Raises:
            OSError: The books could not be reached; nothing was granted.
        """
        if not self._life.acquire():
            raise OSError(f"{self._folder}/writers/{self.name} is locked by another: two engines have one name")
        with self._change() as accounts:
            if self.name not in accounts.writers:
                self._bury_the_dead(accounts)
                if not accounts.writers:
                    accounts.distrust()
            accounts.report(self.name, held=held, written=written, limit=self._capacity, key_space=self._key_space)
            return accounts.grant(self.name, ask) if ask else 0

    def elected(self) -> bool:
        """Whether this engine is the one that counts and removes, from before or from now on.

        Raises:
            OSError: The file system could not say.
        """
        return self._office.acquire()

    def begin_count(self) -> tuple[Accounts, float]:
        """Begin a count: the books, without engines that have died, and the time by the file system's own clock.

        Raises:
            OSError: The books could not be reached, or this engine is not elected.
        """
        now = self._office.touch()
        with self._change() as accounts:
            self._bury_the_dead(accounts)
            accounts.begin_count(self.name)
        return accounts, now

    def end_count(self, found: int) -> None:
        """Enter a count.

        Raises:
            OSError: The books could not be reached.
        """
        with self._change() as accounts:
            accounts.end_count(self.name, found)

    def tidy(self, before: float) -> None:
        """Remove what engines left that died before they were in the books, or while they changed them.

        Args:
            before: Seconds since the epoch; what is younger may belong to somebody who lives.

        Raises:
            OSError: It could not be looked at, or not removed.
        """
        for file in strays(self._folder, self._books.name.__eq__):
            if file.used < before:
                Path(file.path).unlink(missing_ok=True)
        known = self.read().writers
        for life in (self._folder / "writers").iterdir():
            if life.name not in known and life.stat().st_mtime < before:
                self._has_died(life.name)

    def close(self) -> None:
        """Let go of every lock; what is still held is buried by whoever counts next.

        Raises:
            OSError: The file system could not.
        """
        self._office.release()
        self._life.release()

    @contextlib.contextmanager
    def _change(self) -> Iterator[Accounts]:
        with locked(self._folder / "lock", _PATIENCE_SECONDS):
            accounts = self.read()
            yield accounts
            publish(str(self._books), memoryview(accounts.model_dump_json().encode()))

    def _bury_the_dead(self, accounts: Accounts) -> None:
        for name in [name for name in accounts.writers if name != self.name and self._has_died(name)]:
            accounts.bury(name)

    def _has_died(self, name: str) -> bool:
        """Whether nobody holds a writer's file any more; then it is removed."""
        life = self._folder / "writers" / name
        if not life.exists():
            return True
        lock = FileLock(life)
        if not lock.acquire():
            return False
        try:
            life.unlink(missing_ok=True)
        finally:
            lock.release()
        return True
