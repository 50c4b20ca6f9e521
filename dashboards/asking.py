"""Range queries of a Prometheus, with the variables of a dashboard filled in."""

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

    def curves(self, promql: str) -> list[Curve]:
        """What a query finds, one curve a series.

        Raises:
            QueryError: A variable is not known, or Prometheus refused the query or did not answer.
        """
        step = max((self.end - self.begin) / POINTS, 1.0)
        asked = {"query": self._chosen(promql), "start": self.begin, "end": self.end, "step": step}
        try:
            with urllib.request.urlopen(  # noqa: S310 - the address is whom the user asked for
                f"{self.url}/api/v1/query_range?{urllib.parse.urlencode(asked)}", timeout=60
            ) as answer:
                series: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise QueryError(f"{asked['query']}: {error.read().decode(errors='replace')}") from None
        except OSError as error:
            raise QueryError(f"{self.url} does not answer: {error}") from error
        return [
            Curve(
                one["metric"],
                [float(moment) for moment, _ in one["values"]],
                [float(value) for _, value in one["values"]],
            )
            for one in series
        ]

    def _chosen(self, promql: str) -> str:
        def value(match: re.Match[str]) -> str:
            try:
                return self.variables[match[1]]
            except KeyError:
                raise QueryError(f"{match[0]} has no value: give --variable {match[1]}=...") from None

        return re.sub(r"\$(\w+)", value, promql)
