"""report.html: one page with nothing but itself, no script, that says and draws what the demo measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment

from demo.charts import Span, over_time, ttft_by_mode
from demo.checks import Check
from demo.comparing import Comparison
from demo.measure import COLUMNS, rows
from demo.narration import Moment
from demo.prometheus import Recorded, Series
from demo.scaling import Scaling
from demo.tuning import Retuning

TEMPLATE = Path(__file__).with_name("report.html.jinja")


@dataclass(frozen=True, slots=True)
class Findings:
    """What the demo found.

    Attributes:
        comparison: The modes.
        retuned: What the tuner did.
        scaling: What became of the fleet.
        checks: The verdicts.
        moments: What began when.
        machine: In words.
    """

    comparison: Comparison
    retuned: Sequence[Retuning]
    scaling: Scaling
    checks: Sequence[Check]
    moments: Sequence[Moment]
    machine: str


@dataclass(frozen=True, slots=True)
class Recording:
    """Series over the whole demo.

    Attributes:
        span: From when to when.
        meeting_points: Mean meeting point, predicted and actual.
        knobs: The live knobs between 0 and 1, as the pods report them.
        replicas: Pods that were asked for, ready and scraped.
        prefix_tokens: Rate of prefix tokens by outcome.
    """

    span: Span
    meeting_points: Sequence[Series]
    knobs: Sequence[Series]
    replicas: Sequence[Series]
    prefix_tokens: Sequence[Series]


def record(recorded: Recorded, span: Span, replicas: Mapping[str, Sequence[tuple[float, float]]]) -> Recording:
    """Ask Prometheus for the series.

    Args:
        recorded: The deployment's metrics.
        span: From when to when.
        replicas: What the resource said of its replicas: points by what they are.
    """
    window = "[30s]"
    total = recorded.select("cake_meeting_point_ratio_sum") + window
    count = recorded.select("cake_meeting_point_ratio_count") + window
    tokens = recorded.select("cake_prefix_tokens_total") + window
    knobs = recorded.select("cake_knob", knob="retainFrom")
    asked = {
        "meeting_points": f"sum by (kind) (rate({total})) / sum by (kind) (rate({count}))",
        "knobs": f"avg by (knob) ({knobs})",
        "prefix_tokens": f"sum by (outcome) (rate({tokens}))",
        "scraped": f"count({recorded.select('up')} == 1)",
    }
    found = {name: recorded.series(query, span.start, span.end) for name, query in asked.items()}
    pods = [Series({"replicas": name}, tuple(points)) for name, points in replicas.items()]
    pods += [Series({"replicas": "scraped by Prometheus"}, line.points) for line in found["scraped"]]
    return Recording(span, found["meeting_points"], found["knobs"], pods, found["prefix_tokens"])


def render(found: Findings, recording: Recording) -> str:
    """Return the page."""
    span, moments = recording.span, found.moments

    def lines(series: Sequence[Series], label: str, unit: str) -> str:
        return over_time(series, span, moments, label=lambda line: line.labels.get(label, label), unit=unit)

    return (
        Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        .from_string(TEMPLATE.read_text(encoding="utf-8"))
        .render(
            found=found,
            start=span.start,
            columns=COLUMNS,
            rows=rows(found.comparison.runs),
            ttft=ttft_by_mode(found.comparison.runs),
            meeting_points=lines(recording.meeting_points, "kind", "fraction computed"),
            prefix_tokens=lines(recording.prefix_tokens, "outcome", "tokens/s"),
            knobs=lines(recording.knobs, "knob", "fraction"),
            replicas=lines(recording.replicas, "replicas", "pods"),
        )
    )
