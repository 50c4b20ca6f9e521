"""What is published of lossy codecs; made from docs/benchmarks/codecs.json by `make generate`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SHARES: Mapping[str, float] = MappingProxyType({})
"""By a codec's name, the share of next tokens that stayed what they are with exact blocks, rounded down."""
