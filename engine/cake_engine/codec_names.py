"""The codecs by name, and what was measured of the lossy ones; part of the contract in `cake_engine.config`."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from cake_engine.measured_quality import SHARES


class CodecName(StrEnum):
    """How blocks are encoded on a tier; each has a file in `cake_engine.store.codecs`."""

    RAW = "Raw"
    """As they are."""
    ZSTD = "Zstd"
    """Exact and smaller, for some time of a processor core."""
    INT8 = "Int8"
    """One byte a number: about half the size, and close."""
    KIVI4 = "Kivi4"
    """Four bits a number: a third of the size."""
    KIVI2 = "Kivi2"
    """Two bits a number: a fifth of the size."""
    CACHE_GEN_FINE = "CacheGenFine"
    """Differences between tokens, in as few bits as their frequencies allow: less than a third of the size."""
    CACHE_GEN_MEDIUM = "CacheGenMedium"
    """The same in steps twice as wide: less than a quarter of the size."""
    CACHE_GEN_COARSE = "CacheGenCoarse"
    """In steps four times as wide: a sixth of the size."""

    @property
    def exact(self) -> bool:
        """Whether every bit comes back."""
        return self in (CodecName.RAW, CodecName.ZSTD)


MEASURED_QUALITY = MappingProxyType({name: SHARES.get(name.value, 0.0) for name in CodecName if not name.exact})
"""The lossy codecs, and the share of next tokens that stayed what they are with exact blocks, rounded down.

Of the run that `docs/benchmarks/codecs.json` is from; 0 for one that was not measured."""


def measured(codec: CodecName) -> str:
    """What was published of a lossy codec's quality, as the beginning of a sentence that refuses a higher floor."""
    share = MEASURED_QUALITY[codec]
    if not share:
        return f"{codec} has not been measured, which counts as 0"
    return f"with {codec}, {share} of next tokens stayed the same when it was measured"
