"""What Prometheus recorded of one CakeDeployment: counters between two moments, and series for the report."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests.exceptions import RequestException

POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Series:
    """One labelled line over time.

    Attributes:
        labels: The labels that tell it from others of the query.
        points: Seconds since the epoch and value; values that are not a number are left out.
    """

    labels: dict[str, str]
    points: tuple[tuple[float, float], ...]


class Recorded:
    """The metrics of one CakeDeployment."""

    def __init__(self, url: str, namespace: str, name: str) -> None:
        self._prometheus = PrometheusConnect(url=url, disable_ssl=True)
        self._scope = f'namespace="{namespace}",cake_dev_deployment="{name}"'
        self._waiting = threading.Event()  # never set: a pause that Ctrl-C ends

    def select(self, metric: str, **labels: str) -> str:
        """Return the selector of a metric of this deployment."""
        wanted = [self._scope, *(f'{key}="{value}"' for key, value in labels.items())]
        return f"{metric}{{{','.join(wanted)}}}"

    def total(self, metric: str, at: float, **labels: str) -> float:
        """Return the sum of a metric over all series and pods at a moment; 0 while nothing was counted."""
        found = self._query(f"sum({self.select(metric, **labels)})", at)
        return float(found[0]["value"][1]) if found else 0.0

    def totals(self, metric: str, by: str, at: float) -> dict[str, float]:
        """Return the sums of a metric by a label's values."""
        found = self._query(f"sum by ({by}) ({self.select(metric)})", at)
        return {item["metric"].get(by, ""): float(item["value"][1]) for item in found}

    def scraped(self, after: float, timeout: float = 180.0) -> float:
        """Wait until each pod's last scrape was later than ``after``, and not in vain; returns a moment to ask about.

        A scrape that failed, as on a machine that stands still for a second, ends all series of its pod until the next.

        Raises:
            TimeoutError: Prometheus does not scrape; says what it answered last.
        """
        up = self.select("up")
        deadline = time.monotonic() + timeout
        last = "no answer yet"
        while time.monotonic() < deadline:
            now = time.time()
            try:
                found = self._query(f"min(timestamp({up})) and min({up}) == 1", now)
                newest = float(found[0]["value"][1]) if found else 0.0
                if newest > after:
                    return now
                late = f"the oldest of the newest samples is of {after - newest:.0f} s before"
                last = late if found else "no pod, or the last scrape of one failed"
            except (RequestException, PrometheusApiClientException) as error:
                last = str(error)
            self._waiting.wait(POLL_SECONDS)
        raise TimeoutError(f"Prometheus has no sample of the engine pods after {timeout:.0f} s: {last}")

    def series(self, query: str, start: float, end: float, step: float = 3.0) -> Sequence[Series]:
        """Run a range query."""
        limits = {"start_time": datetime.fromtimestamp(start, UTC), "end_time": datetime.fromtimestamp(end, UTC)}
        found = self._prometheus.custom_query_range(query, step=str(step), **limits)
        return [_series(item) for item in found]

    def _query(self, query: str, at: float) -> list[dict[str, Any]]:
        return list(self._prometheus.custom_query(query, params={"time": f"{at:.3f}"}))


def _series(item: dict[str, Any]) -> Series:
    labels = {key: value for key, value in item["metric"].items() if key != "__name__"}
    points = ((float(at), float(value)) for at, value in item["values"])
    return Series(labels, tuple((at, value) for at, value in points if math.isfinite(value)))
