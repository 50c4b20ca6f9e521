"""Queries of a Prometheus, over time or of now, with the variables of a dashboard filled in."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Curve", "Prometheus", "QueryError"]

POINTS = 240
"""Samples of one curve: a panel is not wider than that."""


class QueryError(RuntimeError):
    """Prometheus did not take a query; the text has the query and what was said."""


@dataclass(frozen=True)
class Curve:
    """One series over time.

    Attributes:
        labels: Of the series.
        times: Seconds since the epoch.
        values: In the panel's unit.
    """

    labels: Mapping[str, str]
    times: list[float]
    values: list[float]


@dataclass(frozen=True)
class Prometheus:
    """Where figures come from, and over which time.

    Attributes:
        url: Its address, without a slash at the end.
        variables: Of the dashboard, by name, without `$`.
        begin: Seconds since the epoch.
        end: Seconds since the epoch.
    """

    url: str
    variables: Mapping[str, str]
    begin: float
    end: float

    @property
    def step(self) -> float:
        """Seconds from one sample of a curve to the next."""
        return max((self.end - self.begin) / POINTS, 1.0)

    def curves(self, promql: str) -> list[Curve]:
        """What a query finds over the time, one curve a series.

        Raises:
            QueryError: A variable is not known, or Prometheus refused the query or did not answer.
        """
        series = self._result("query_range", promql, start=self.begin, end=self.end, step=self.step)
        return [_curve(one["metric"], one["values"]) for one in series]

    def newest(self, promql: str) -> list[Curve]:
        """What a query finds at the end: curves of one sample; raises like `curves`."""
        return [_curve(one["metric"], [one["value"]]) for one in self._result("query", promql, time=self.end)]

    def _result(self, endpoint: str, promql: str, **moments: float) -> list[dict[str, Any]]:
        query = self._chosen(promql)
        asked = urllib.parse.urlencode({"query": query, **moments})
        try:
            with urllib.request.urlopen(  # noqa: S310 - the address is whom the user asked for
                f"{self.url}/api/v1/{endpoint}?{asked}", timeout=60
            ) as answer:
                result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise QueryError(f"{query}: {error.read().decode(errors='replace')}") from None
        except OSError as error:
            raise QueryError(f"{self.url} does not answer: {error}") from error
        return result

    def _chosen(self, promql: str) -> str:
        def value(match: re.Match[str]) -> str:
            try:
                return self.variables[match[1]]
            except KeyError:
                raise QueryError(f"{match[0]} has no value: give --{match[1]} VALUE") from None

        return re.sub(r"\$(\w+)", value, promql)


def _curve(labels: Mapping[str, str], samples: list[tuple[float, str]]) -> Curve:
    return Curve(labels, [float(moment) for moment, _ in samples], [float(value) for _, value in samples])
