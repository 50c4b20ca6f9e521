"""A store beside one row of memory, for tests that move a block at a time."""

from __future__ import annotations

from cake_engine.store.blocks import BlockStore
from cake_engine.store.reader import page_buffer
from cake_engine.store.transfer import Transfer
from tests.unit.store.conftest import key_of


class OneRow:
    """What blocks are saved from and loaded into.

    Attributes:
        row: The memory of one block.
    """

    def __init__(self, store: BlockStore, block_bytes: int) -> None:
        self.store = store
        self.row = bytearray(block_bytes)

    def move(self, direction: str, number: int) -> str | None:
        """Load or save a block; why not."""
        transfer = Transfer(job=0, owner="r", key=key_of(number), chunk=0, size=self.store.file_bytes)
        transfer.start(0.0)
        getattr(self.store, direction)(transfer, lambda chunk: memoryview(self.row), page_buffer(self.store.file_bytes))
        return transfer.failure
