"""Codecs: one file each, listed here. Adding one touches this registry and the names in `cake_engine.config`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from cake_engine.config import CodecName
from cake_engine.store.codecs.raw import RawCodec
from cake_engine.store.codecs.zstd import ZstdCodec
from cake_engine.store.layout import BlockLayout


class Codec(Protocol):
    """Turns a block of KV bytes into a payload and back; called from many threads at once."""

    @property
    def identifier(self) -> int:
        """Number of the codec in file headers; never used twice, never changed."""

    @property
    def error_bound(self) -> float:
        """How far a decoded number may be from the one that was encoded, relative to the largest of the block."""

    def bound(self, block_bytes: int) -> int:
        """The most bytes that a payload of such a block can have."""

    def encode(self, block: memoryview, payload: memoryview) -> int:
        """Write a block's payload to the front of a buffer of at least `bound` bytes; returns its length."""

    def decode(self, payload: memoryview, block: memoryview) -> None:
        """Write the block that a payload stands for.

        Raises:
            ValueError: The payload is not one of a block of this size.
        """


_EXACT: dict[CodecName, Callable[[int], Codec]] = {
    CodecName.RAW: lambda number_bytes: RawCodec(),  # noqa: ARG005 - it does not look into a block
    CodecName.ZSTD: ZstdCodec,
}


def codec_of(name: CodecName, dtype: str, layout: BlockLayout | None = None) -> Codec:
    """The codec of a name in a configuration.

    Args:
        name: Of the codec.
        dtype: Of the numbers of a block, such as bfloat16 or fp8_e4m3.
        layout: Where they lie; an exact codec works without.

    Raises:
        ValueError: A lossy codec cannot read such blocks, or is not told where their numbers lie.
    """
    if name.exact:
        bits = re.search(r"\d+", dtype)
        return _EXACT[name](max(1, int(bits[0]) // 8) if bits else 1)
    if layout is None:
        raise ValueError(f"the codec {name} has to know where the numbers of a block lie")
    return _lossy(name)(layout)


def _lossy(name: CodecName) -> Callable[[BlockLayout], Codec]:
    """Imported when one is named: they compute with torch, which takes seconds and is there where vLLM is."""
    from cake_engine.store.codecs import cachegen  # noqa: PLC0415
    from cake_engine.store.codecs.int8 import Int8Codec  # noqa: PLC0415
    from cake_engine.store.codecs.kivi import Kivi2Codec, Kivi4Codec  # noqa: PLC0415

    codecs: dict[CodecName, Callable[[BlockLayout], Codec]] = {
        CodecName.INT8: Int8Codec,
        CodecName.KIVI4: Kivi4Codec,
        CodecName.KIVI2: Kivi2Codec,
        CodecName.CACHE_GEN_FINE: cachegen.CacheGenFineCodec,
        CodecName.CACHE_GEN_MEDIUM: cachegen.CacheGenMediumCodec,
        CodecName.CACHE_GEN_COARSE: cachegen.CacheGenCoarseCodec,
    }
    return codecs[name]
