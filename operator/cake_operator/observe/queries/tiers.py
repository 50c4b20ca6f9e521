"""What the storage tiers do."""

from collections.abc import Sequence

from cake_operator.observe.promql import OWNER, aggregate, narrowed, selector, total_rate
from cake_operator.observe.queries.query import Percentiles, Query
from cake_operator.observe.sampling import Sampling

TIER = ("tier",)


def queries(sampling: Sampling, _: Percentiles) -> Sequence[Query]:
    """Bytes per second read and written, number and mean seconds of reads, and refused writes, of each tier."""
    window = sampling.window
    read, written, seconds, reads = (
        selector(metric, sampling.namespace)
        for metric in (
            "cake_tier_read_bytes_total",
            "cake_tier_write_bytes_total",
            "cake_tier_read_seconds_sum",
            "cake_tier_read_seconds_count",
        )
    )
    skipped = selector("cake_tier_write_skips_total", sampling.namespace)
    full, denied, failed = (
        narrowed(skipped, "reason", "=~", reasons) for reasons in ("no_space", "denied", "io_error|stale")
    )
    # 0/0 is NaN: a tier that nothing was read from has no read latency.
    number = f"{total_rate(reads, window, TIER)} * {window.total_seconds():g}"
    mean = f"{total_rate(seconds, window, TIER)} / {total_rate(reads, window, TIER)}"
    # Several reasons are several series of an engine: they are added, and not taken for one that is scraped twice.
    failing = aggregate("sum", total_rate(failed, window, (*TIER, "reason")), (*OWNER, *TIER))
    return [
        Query("read_rate", total_rate(read, window, TIER), read, window, by="tier"),
        Query("write_rate", total_rate(written, window, TIER), written, window, by="tier"),
        Query("reads", number, reads, window, by="tier"),
        Query("read_seconds", mean, reads, window, by="tier"),
        Query("no_space_rate", total_rate(full, window, TIER), full, window, by="tier"),
        Query("denied_rate", total_rate(denied, window, TIER), denied, window, by="tier"),
        Query("failed_write_rate", failing, failed, window, by="tier"),
    ]
