"""The registry: one module a family of queries; adding one adds a line here."""

from collections.abc import Sequence

from cake_operator.observe.queries import generation, latency, load, meeting_point, prefix, tiers
from cake_operator.observe.queries.query import Family, Percentiles, Query

__all__ = ["FAMILIES", "Family", "Percentiles", "Query"]

FAMILIES: Sequence[Family] = (
    latency.queries,
    load.queries,
    meeting_point.queries,
    tiers.queries,
    prefix.queries,
    generation.queries,
)
