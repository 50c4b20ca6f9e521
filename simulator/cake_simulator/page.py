"""What runs found: lines for a terminal, and a page with charts."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cake_simulator.hardware import Hardware
from cake_simulator.result import Result
from cake_simulator.sweeping import Case

TEMPLATE = Path(__file__).with_name("page.html.jinja")


@dataclass(frozen=True)
class Found:
    """A run and what came of it."""

    case: Case
    result: Result

    def row(self) -> dict[str, str]:
        """Its figures, by heading."""
        tally, result = self.result.tally, self.result
        return {
            "run": self.case.name,
            "attainment": _share(tally.attainment),
            "replica-hours": f"{result.replica_hours:.2f}",
            "TTFT p50": _seconds(tally.ttft.at(50)),
            "p90": _seconds(tally.ttft.at(90)),
            "p99": _seconds(tally.ttft.at(99)),
            "ITL p50": _seconds(tally.gaps.at(50)),
            "p90 ": _seconds(tally.gaps.at(90)),
            "p99 ": _seconds(tally.gaps.at(99)),
        }

    def remarks(self) -> list[str]:
        """What a reader has to know of it."""
        tally, result, said = self.result.tally, self.result, []
        if tally.hopeless:
            share = _share(tally.hopeless / tally.ended)
            said.append(
                f"{share} of the prompts take longer than the TTFT target on an idle replica, were nothing of them"
                " stored: no number of replicas helps these."
            )
        if tally.broken:
            said.append(f"{tally.broken} answers broke off when their pod died.")
        if result.preemptions:
            said.append(f"{result.preemptions} requests gave up their seat for want of KV memory.")
        if result.skipped_writes:
            said.append(f"{result.skipped_writes} chunks were not stored, since too many waited to be written.")
        filled = sum(result.prefix_tokens[way] for way in ("computed", "loaded"))
        if filled:
            said.append(
                f"Of the tokens of stored prefixes {_share(result.prefix_tokens['loaded'] / filled)} were loaded."
            )
        for tier, (read, written) in result.tier_bytes.items():
            said.append(f"Tier {tier}: {read / 1e9:.0f} GB read, {written / 1e9:.0f} GB written.")
        return said


def text(found: Sequence[Found]) -> str:
    """A table, and below it what there is to say of a single run."""
    rows = [one.row() for one in found]
    heads = list(rows[0])
    widths = [max(len(head.strip()), *(len(row[head]) for row in rows)) for head in heads]
    lines = ["  ".join(head.strip().rjust(width) for head, width in zip(heads, widths, strict=True))]
    lines += ["  ".join(row[head].rjust(width) for head, width in zip(heads, widths, strict=True)) for row in rows]
    return "\n".join(lines + (found[0].remarks() if len(found) == 1 else []))


def html(found: Sequence[Found], name: str, hardware: Hardware, trace: str, command: str) -> str:
    """The page."""
    charts = [_over_time(found[0])] if len(found) == 1 else [_attainment(found)]
    environment = Environment(undefined=StrictUndefined, autoescape=True, trim_blocks=True)
    return environment.from_string(TEMPLATE.read_text()).render(
        found=found, name=name, hardware=hardware, trace=trace, command=command, charts=charts
    )


def _over_time(found: Found) -> str:
    moments = found.result.moments

    def draw(upper: Axes, lower: Axes) -> None:
        at = [moment.at / 60 for moment in moments]
        upper.step(at, [moment.wanted for moment in moments], where="post", color="#8e6bb0", label="wanted")
        upper.step(at, [moment.ready for moment in moments], where="post", color="#2e7d32", label="ready")
        upper.plot(
            at, [moment.in_flight / max(1, moment.ready) for moment in moments], color="#b0b0b0", label="requests each"
        )
        upper.set_ylabel("replicas")
        upper.legend(frameon=False, fontsize=8)
        known = [(moment.at / 60, moment.ttft) for moment in moments if moment.ttft is not None]
        lower.plot([x for x, _ in known], [y for _, y in known], color="#b5651d")
        lower.axhline(found.case.setup.objective.ttft, color="#b71c1c", linewidth=0.8) if known else None
        lower.set_ylabel(f"TTFT p{found.case.setup.ttft_percentile:g} (s), as scraped")
        lower.set_xlabel("minutes")

    return _svg(draw)


def _attainment(found: Sequence[Found]) -> str:
    def draw(upper: Axes, lower: Axes) -> None:
        hours = [one.result.replica_hours for one in found]
        for axes, values, label in (
            (upper, [100 * (one.result.tally.attainment or 0.0) for one in found], "attainment (%)"),
            (lower, [one.result.tally.ttft.at(90) or 0.0 for one in found], "TTFT p90 (s)"),
        ):
            axes.scatter(hours, values, color="#2e7d32", s=18)
            for x, y, one in zip(hours, values, found, strict=True):
                axes.annotate(one.case.name, (x, y), fontsize=6, xytext=(3, 3), textcoords="offset points")
            axes.set_ylabel(label)
        lower.set_xlabel("replica-hours")

    return _svg(draw)


def _svg(draw: Callable[[Axes, Axes], None]) -> str:
    with rc_context({"svg.hashsalt": "simulate", "svg.fonttype": "none"}):
        figure = Figure(figsize=(9, 5.5), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True)
        draw(upper, lower)
        for axes in (upper, lower):
            axes.grid(alpha=0.3)
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue().partition("?>\n")[2].partition('.dtd">\n')[2]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}%"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s" if value >= 1 else f"{1000 * value:.0f} ms"
