"""Where compute from the front and load from the back met: 0 is all loaded, 1 is all computed."""

from collections.abc import Sequence

from cake_operator.observe.promql import quantile, selector, total_rate
from cake_operator.observe.queries.query import Percentiles, Query
from cake_operator.observe.sampling import Sampling

LOW = 10.0
"""Percentile that retention follows: nine of ten requests computed at least this much of their prefix."""


def queries(sampling: Sampling, _: Percentiles) -> Sequence[Query]:
    """Low percentile, median and number of the actual meeting points, and the median of the predicted ones."""
    window = sampling.tuning_window
    buckets = selector("cake_meeting_point_ratio_bucket", sampling.namespace, kind="actual")
    count = selector("cake_meeting_point_ratio_count", sampling.namespace, kind="actual")
    predicted, predictions = (
        selector(f"cake_meeting_point_ratio_{part}", sampling.namespace, kind="predicted")
        for part in ("bucket", "count")
    )
    number = f"{total_rate(count, window)} * {window.total_seconds():g}"
    return [
        Query("meeting_point_low", quantile(LOW, buckets, window), count, window),
        Query("meeting_point", quantile(50, buckets, window), count, window),
        Query("meeting_points", number, count, window),
        Query("predicted_meeting_point", quantile(50, predicted, window), predictions, window),
    ]
