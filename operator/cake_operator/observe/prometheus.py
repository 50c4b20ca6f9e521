"""The thin shell over Prometheus: one bounded query set for the whole fleet, never an exception."""

import logging
import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests.exceptions import ConnectionError as NoConnectionError
from requests.exceptions import RequestException, Timeout
from urllib3.util.retry import Retry

from cake_operator.observe.answers import Answer, MalformedAnswerError, Samples, samples
from cake_operator.observe.assembling import assemble
from cake_operator.observe.promql import age
from cake_operator.observe.queries import FAMILIES, Percentiles, Query
from cake_operator.observe.sampling import Sampling, Watched
from cake_operator.observe.snapshot import FleetSnapshot

logger = logging.getLogger(__name__)

UNCONFIGURED = (
    "No Prometheus is configured: set prometheus.url in the chart (CAKE_PROMETHEUS_URL). What is stays as it is."
)

_MALFORMED = (MalformedAnswerError, KeyError, TypeError, ValueError)


class _TimeIsUpError(Exception):
    """The time for the whole set has passed."""


class Observer:
    """Asks one Prometheus; without an address, none. Blocking: call it in a thread. Not for several threads at once.

    Attributes:
        sampling: Windows and limits.
    """

    def __init__(self, url: str, sampling: Sampling | None = None) -> None:
        self.sampling = sampling or Sampling()
        self._url = url.rstrip("/")
        # No retries: the next interval asks again, and a policy holds what is until then.
        # read=False: a read that takes too long is a Timeout, not an exhausted retry.
        self._client = PrometheusConnect(url=self._url, retry=Retry(total=0, read=False))
        self._last_error: str | None = None

    def observe(self, watched: Collection[Watched], now: datetime) -> FleetSnapshot:
        """Measure all deployments with one query set.

        All or nothing: figures of a set that was cut short could contradict each other.

        Args:
            watched: The deployments that exist.
            now: When this is.

        Returns:
            The figures, or a snapshot whose `error` says what was wrong, and with which query.
        """
        if not self._url:
            self._note(UNCONFIGURED)
            return FleetSnapshot(now, error=UNCONFIGURED)
        wanted = queries(self.sampling, watched)
        try:
            answers = self._ask(wanted)
        except (RequestException, PrometheusApiClientException, _TimeIsUpError, *_MALFORMED) as exception:
            error = self._sentence(exception)
            self._note(error)
            return FleetSnapshot(now, error=error)
        self._note(None)
        return FleetSnapshot(now, assemble(watched, answers, self.sampling.stale_after))

    def _ask(self, wanted: Collection[Query]) -> dict[Query, Answer]:
        end = time.monotonic() + self.sampling.timeout.total_seconds()
        ages: dict[tuple[str, timedelta, str], Samples] = {}
        answers = {}
        for query in wanted:
            clock = (query.clock, query.window, query.by)
            if clock not in ages:
                by = (query.by,) if query.by else ()
                ages[clock] = self._instant(
                    age(query.clock, query.window, self.sampling.scrape_interval, by), query.by, end
                )
            answers[query] = Answer(self._instant(query.promql, query.by, end), ages[clock])
        return answers

    def _instant(self, promql: str, by: str, end: float) -> Samples:
        left = end - time.monotonic()
        if left <= 0:
            raise _TimeIsUpError
        result: Any = self._client.custom_query(promql, timeout=left)
        return samples(result, by)

    def _note(self, error: str | None) -> None:
        """Log what changed, once."""
        if error != self._last_error:
            logger.log(logging.INFO if error is None else logging.WARNING, error or "Prometheus answers again.")
            self._last_error = error

    def _sentence(self, exception: Exception) -> str:
        match exception:
            case Timeout() | _TimeIsUpError():
                why = f"did not answer within {self.sampling.timeout.total_seconds():g} s"
            case NoConnectionError():
                why = "cannot be reached"
            case PrometheusApiClientException():
                why = f"refused a query: {exception!s:.200}"
            case _:
                why = f"did not answer as Prometheus does ({type(exception).__name__}: {exception!s:.120})"
        return f"Prometheus at {self._url} {why}; check the operator's prometheus.url. What is stays as it is."


def queries(sampling: Sampling, watched: Collection[Watched]) -> list[Query]:
    """The query set for these deployments: one query for each distinct percentile, one for everything else."""
    percentiles = Percentiles(
        ttft=sorted({w.ttft_percentile for w in watched}),
        inter_token_latency=sorted({w.inter_token_percentile for w in watched}),
    )
    return [query for family in FAMILIES for query in family(sampling, percentiles)]
