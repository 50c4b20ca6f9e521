"""Blocks from elsewhere into a tier that engines may be writing, as one more of them would."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from cake_engine.store.archive import Block
from cake_engine.store.directory import BlockDirectory
from cake_engine.store.eviction import Limits
from cake_engine.store.keeper import Keeper
from cake_engine.store.ledger import Ledger
from cake_engine.store.publishing import LeftBehindError
from cake_engine.store.verification import GOOD

THERE: Final = "there already"
NO_ROOM: Final = "without room"
_POLL_SECONDS = 0.1


class Intake:
    """Publishes blocks into room that is free: what is stored is pushed out by nothing."""

    def __init__(self, root: Path, limits: Limits, keeper: Keeper) -> None:
        """Take nothing yet.

        Args:
            root: Folder of the tier.
            limits: What it may hold.
            keeper: Of the tier, which draws the room and is tended by somebody.
        """
        self._root, self._limits, self._keeper = root, limits, keeper
        self._ledger = Ledger(root, limits.capacity_bytes)
        self._directories: dict[str, BlockDirectory] = {}

    def take(self, block: Block) -> str:
        """Publish a block, as soon as somebody has counted what the tier holds.

        Returns:
            `GOOD` once it is on the tier, `THERE` where it was already, `NO_ROOM` where it would push out others.

        Raises:
            OSError: The tier cannot be written.
        """
        if block.fingerprint.folder not in self._directories:
            self._directories[block.fingerprint.folder] = BlockDirectory(self._root, block.fingerprint)
        directory = self._directories[block.fingerprint.folder]
        size, written = block.content.nbytes, 0
        if directory.contains(block.key):
            return THERE
        if not self._admitted(size):
            return NO_ROOM
        try:
            directory.publish(block.key, block.content)
            written = size
        except LeftBehindError:
            written = size  # as long as nobody has counted
            raise
        finally:
            self._keeper.settle(size, written)
        return GOOD

    def _admitted(self, size: int) -> bool:
        """Whether there is room that nobody has to make."""
        while (books := self._ledger.read()).used is None:
            time.sleep(_POLL_SECONDS)
        if books.used + books.held + size > self._limits.start * min(books.limit, self._limits.capacity_bytes):
            return False
        return self._keeper.admit(size) is None
