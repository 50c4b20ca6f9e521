"""What is published of lossy codecs; made from docs/benchmarks/codecs.json by `make generate`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SHARES: Mapping[str, float] = MappingProxyType(
    {
        "Int8": 0.98,
        "Kivi4": 0.95,
        "Kivi2": 0.81,
        "CacheGenFine": 0.97,
        "CacheGenMedium": 0.93,
        "CacheGenCoarse": 0.88,
    }
)
"""By a codec's name, the share of next tokens that stayed what they are with exact blocks, rounded down."""
