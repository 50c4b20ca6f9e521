"""Exact and smaller: the bytes of the numbers sorted by their place, then Zstandard.

The high bytes of neighbouring numbers, signs and exponents, are much alike and the low ones are noise. Apart from each
other they compress, mixed they do not.

    offset  bytes
    0       1      n: bytes of one number, the bytes of the block are in n planes; 0: the block follows as it is
    1       all    a Zstandard frame of the planes, first the first bytes of all numbers; or the block
"""

from __future__ import annotations

import threading

import numpy as np
import zstandard

_LEVEL = 1
"""Higher ones gain a few hundredths of size on KV and take several times as long."""
_AS_IT_IS = 0
_HEAD = 1


class ZstdCodec:
    """Lossless; called from many threads, each of which has a context of its own, as the library wants it."""

    identifier = 2
    error_bound = 0.0

    def __init__(self, number_bytes: int) -> None:
        """Know how the bytes are grouped; a wrong guess costs size and nothing else.

        Args:
            number_bytes: Of one number of the KV cache.
        """
        self._number_bytes = number_bytes
        self._contexts = threading.local()

    def bound(self, block_bytes: int) -> int:
        """A block that does not become smaller is stored as it is."""
        return _HEAD + block_bytes

    def encode(self, block: memoryview, payload: memoryview) -> int:
        """Write the frame, or the block where the frame would be no smaller."""
        numbers = np.frombuffer(block, np.uint8)
        width = self._number_bytes if numbers.size % self._number_bytes == 0 else 1
        frame = self._frame(numbers, width)
        if len(frame) < numbers.size:
            payload[: _HEAD + len(frame)] = bytes([width]) + frame
            return _HEAD + len(frame)
        payload[0] = _AS_IT_IS
        np.copyto(np.frombuffer(payload[_HEAD : _HEAD + numbers.size], np.uint8), numbers)
        return _HEAD + numbers.size

    def decode(self, payload: memoryview, block: memoryview) -> None:
        """Write the block; nothing of it is touched before the whole payload has proved good."""
        if payload.nbytes < _HEAD:
            raise ValueError("a payload without its first byte")
        numbers, width = np.frombuffer(block, np.uint8), payload[0]
        if width == _AS_IT_IS:
            if payload.nbytes != _HEAD + block.nbytes:
                raise ValueError(f"a stored block of {payload.nbytes - _HEAD} bytes is not one of {block.nbytes}")
            np.copyto(numbers, np.frombuffer(payload[_HEAD:], np.uint8))
            return
        planes = np.frombuffer(self._planes(payload[_HEAD:], block.nbytes), np.uint8)
        if planes.size != block.nbytes or planes.size % width:
            raise ValueError(f"{planes.size} bytes in {width} planes are not a block of {block.nbytes}")
        for place, plane in enumerate(planes.reshape(width, -1)):
            numbers[place::width] = plane

    def _frame(self, numbers: np.ndarray[tuple[int], np.dtype[np.uint8]], width: int) -> bytes:
        """One frame, in which each plane begins a block: what its bytes are like is told for it alone."""
        stream = self._compressor().compressobj(size=numbers.size)
        parts = []
        for place in range(width):
            plane = np.ascontiguousarray(numbers[place::width])
            parts += [stream.compress(plane.data), stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)]
        return b"".join([*parts, stream.flush()])

    def _planes(self, frame: memoryview, size: int) -> bytes:
        try:
            if zstandard.frame_content_size(frame) != size:
                raise ValueError("the frame is not of a block of this size")
            return self._decompressor().decompress(frame, max_output_size=size, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise ValueError(f"not a Zstandard frame: {error}") from error

    def _compressor(self) -> zstandard.ZstdCompressor:
        if not hasattr(self._contexts, "compressor"):
            self._contexts.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        compressor: zstandard.ZstdCompressor = self._contexts.compressor
        return compressor

    def _decompressor(self) -> zstandard.ZstdDecompressor:
        if not hasattr(self._contexts, "decompressor"):
            self._contexts.decompressor = zstandard.ZstdDecompressor()
        decompressor: zstandard.ZstdDecompressor = self._contexts.decompressor
        return decompressor
