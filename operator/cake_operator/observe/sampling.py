"""How the fleet is measured: what is watched, over which windows, and when a sample is too old."""

from dataclasses import dataclass
from datetime import timedelta

RATE_SAMPLES = 4
"""Samples that a rate's window spans: with fewer, one missed scrape leaves a gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Windows and limits of one query set.

    Attributes:
        namespace: The only namespace that is watched; empty for all of them.
        scrape_interval: How often Prometheus scrapes the engines.
        window: Over which latencies and rates are taken; raised to four scrape intervals where it is shorter.
        tuning_window: Over which meeting points are taken: they come once a request, and a percentile needs many.
        stale_after: Age from which a sample is not acted on; raised to three scrape intervals where it is shorter.
        timeout: For the whole query set.
    """

    namespace: str = ""
    scrape_interval: timedelta = timedelta(seconds=15)
    window: timedelta = timedelta(seconds=60)
    tuning_window: timedelta = timedelta(seconds=180)
    stale_after: timedelta = timedelta(seconds=45)
    timeout: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        if min(self.scrape_interval, self.timeout) <= timedelta(0):
            raise ValueError("the scrape interval and the timeout must be above zero")
        object.__setattr__(self, "window", max(self.window, RATE_SAMPLES * self.scrape_interval))
        object.__setattr__(self, "tuning_window", max(self.tuning_window, self.window))
        object.__setattr__(self, "stale_after", max(self.stale_after, 3 * self.scrape_interval))


@dataclass(frozen=True, slots=True)
class Watched:
    """A CakeDeployment to measure.

    Attributes:
        ttft_percentile: Percentile (0 to 100) of the time to first token: that of its SLO, where it has one.
        inter_token_percentile: The same for the latency between tokens.
    """

    namespace: str
    name: str
    ttft_percentile: float = 90.0
    inter_token_percentile: float = 90.0
