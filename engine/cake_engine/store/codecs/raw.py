"""The bytes as they are: exact, ratio 1, as fast as memory."""

from __future__ import annotations

import numpy as np


class RawCodec:
    """Copies. Through numpy, which lets other threads run meanwhile; a memoryview's own copy does not."""

    identifier = 1
    error_bound = 0.0

    def bound(self, block_bytes: int) -> int:
        """A payload is as long as its block."""
        return block_bytes

    def encode(self, block: memoryview, payload: memoryview) -> int:
        """Copy the block to the front of the payload."""
        np.copyto(np.frombuffer(payload[: block.nbytes], np.uint8), np.frombuffer(block, np.uint8))
        return block.nbytes

    def decode(self, payload: memoryview, block: memoryview) -> None:
        """Copy the payload to the block."""
        if payload.nbytes != block.nbytes:
            raise ValueError(f"a raw payload of {payload.nbytes} bytes is not a block of {block.nbytes}")
        np.copyto(np.frombuffer(block, np.uint8), np.frombuffer(payload, np.uint8))
