"""Where compute from the front and load from the back met: 0 is all loaded, 1 is all computed."""

from collections.abc import Sequence

from cake_operator.observe.promql import quantile, selector, total_rate
from cake_operator.observe.queries.query import Percentiles, Query
from cake_operator.observe.sampling import Sampling

LOW = 10.0
"""Percentile that retention follows: nine of ten requests chose to compute at least this much of their prefix."""


def queries(sampling: Sampling, _: Percentiles) -> Sequence[Query]:
    """Low percentile and number of the meeting points that were chosen, and medians of actual and predicted ones."""
    window = sampling.tuning_window
    (chosen, choices), (actual, meetings), (predicted, predictions) = (
        [selector(f"cake_meeting_point_ratio_{part}", sampling.namespace, kind=kind) for part in ("bucket", "count")]
        for kind in ("chosen", "actual", "predicted")
    )
    number = f"{total_rate(choices, window)} * {window.total_seconds():g}"
    return [
        Query("meeting_point_low", quantile(LOW, chosen, window), choices, window),
        Query("meeting_points", number, choices, window),
        Query("meeting_point", quantile(50, actual, window), meetings, window),
        Query("predicted_meeting_point", quantile(50, predicted, window), predictions, window),
    ]
