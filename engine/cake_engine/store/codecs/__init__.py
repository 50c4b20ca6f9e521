"""Codecs: one file each, listed here. Adding one touches this registry and no other file."""

from __future__ import annotations

from typing import Protocol

from cake_engine.config import CodecName
from cake_engine.store.codecs.raw import RawCodec


class Codec(Protocol):
    """Turns a block of KV bytes into a payload and back; stateless, called from many threads at once."""

    @property
    def identifier(self) -> int:
        """Number of the codec in file headers; never used twice, never changed."""

    def bound(self, block_bytes: int) -> int:
        """The most bytes that a payload of such a block can have."""

    def encode(self, block: memoryview, payload: memoryview) -> int:
        """Write a block's payload to the front of a buffer of at least `bound` bytes; returns its length."""

    def decode(self, payload: memoryview, block: memoryview) -> None:
        """Write the block that a payload stands for.

        Raises:
            ValueError: The payload is not one of a block of this size.
        """


_CODECS: dict[CodecName, Codec] = {CodecName.RAW: RawCodec()}


def codec_of(name: CodecName) -> Codec:
    """The codec of a name in a configuration."""
    return _CODECS[name]
