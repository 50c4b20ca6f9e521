"""What a run found: figures of each codec beside those of raw blocks, and the page, the data and the plot of them."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.pages import rendered, svg_of
from benchmarks.quality.answers import Answers
from benchmarks.quality.material import Material
from benchmarks.quality.safety import safe
from benchmarks.quality.tasks import score
from cake_engine.config import MEASURED_QUALITY, CodecName

TEMPLATE = Path(__file__).with_name("page.md.jinja")
_MARGIN = 0.03
"""By how much a run may miss what is published: another processor rounds otherwise, another Python has other texts."""


@dataclass(frozen=True)
class Quality:
    """One codec.

    Attributes:
        size: Bytes of its files over those of raw ones, headers and all.
        agreement: Share of positions in texts at which the most likely next token is the same as with raw blocks.
        perplexity: Of the texts.
        same_answers: Share of greedy answers that are the same as with raw blocks, token for token.
        scores: Of each task, 0 to 1.
        ttft_seconds: Median time to the first token, all of the prefix loaded.
    """

    size: float
    agreement: float
    perplexity: float
    same_answers: float
    scores: Mapping[str, float]
    ttft_seconds: float

    @property
    def score(self) -> float:
        """Mean of the tasks."""
        return mean(self.scores.values())


@dataclass(frozen=True)
class Run:
    """All that was measured, and where."""

    codecs: Mapping[CodecName, Quality]
    positions: int
    questions: int
    model: str
    machine: str
    command: str
    date: str

    @property
    def tasks(self) -> list[str]:
        """Their names."""
        return list(next(iter(self.codecs.values())).scores)

    def safe(self, codec: CodecName) -> bool:
        """Whether a codec may be called so: `benchmarks.quality.safety`."""
        raw, found = self.codecs[CodecName.RAW], self.codecs[codec]
        return safe(
            agreement=found.agreement,
            perplexity=found.perplexity / raw.perplexity,
            score=found.score - raw.score,
        )

    def changed_exact(self) -> list[CodecName]:
        """Exact codecs with which anything was another than with raw blocks: there must be none."""
        return [c for c, q in self.codecs.items() if c.exact and (q.agreement < 1 or q.same_answers < 1)]

    def worse_than_published(self) -> list[CodecName]:
        """Lossy codecs that kept fewer next tokens than is published of them."""
        return [
            c for c, q in self.codecs.items() if c in MEASURED_QUALITY and q.agreement < MEASURED_QUALITY[c] - _MARGIN
        ]


def judge(material: Material, raw: Answers, found: Answers) -> Quality:
    """The figures of a codec."""
    said = iter(found.said)
    scores: dict[str, list[float]] = {}
    for session in material.sessions:
        for turn in session.turns:
            scores.setdefault(session.task, []).append(score(turn, material.tokenizer.decode(next(said))))
    return Quality(
        size=found.file_bytes / raw.file_bytes,
        agreement=_share_of_same(found.next_tokens, raw.next_tokens),
        perplexity=math.exp(-mean(found.logprobs)),
        same_answers=_share_of_same(found.said, raw.said),
        scores={task: mean(values) for task, values in scores.items()},
        ttft_seconds=found.ttft_seconds,
    )


def write(run: Run, folder: Path) -> None:
    """Write codecs.md, codecs.json and codecs.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "codecs.json").write_text(json.dumps(_document(run), indent=1) + "\n")
    (folder / "codecs.svg").write_text(_plot(run))
    (folder / "codecs.md").write_text(page(run))


def page(run: Run) -> str:
    """The page, in Markdown."""
    return rendered(TEMPLATE, run=run, raw=run.codecs[CodecName.RAW])


def _document(run: Run) -> dict[str, object]:
    figures = {
        name: dataclasses.asdict(quality) | {"score": quality.score, "safe": run.safe(name)}
        for name, quality in run.codecs.items()
    }
    rounded = json.loads(json.dumps(figures), parse_float=lambda text: float(f"{float(text):.4g}"))
    return {
        "model": run.model,
        "machine": run.machine,
        "command": run.command,
        "date": run.date,
        "positions": run.positions,
        "questions": run.questions,
        "codecs": rounded,
    }


def _plot(run: Run) -> str:
    """Quality over bytes."""
    with rc_context({"svg.hashsalt": "codecs", "svg.fonttype": "none"}):
        figure = Figure(figsize=(9, 3.2), layout="constrained")
        raw = run.codecs[CodecName.RAW]
        sizes = [quality.size for quality in run.codecs.values()]
        panels = {
            "next tokens that stay the same": [quality.agreement for quality in run.codecs.values()],
            "perplexity over that of raw blocks": [q.perplexity / raw.perplexity for q in run.codecs.values()],
            "score of the tasks": [quality.score for quality in run.codecs.values()],
        }
        for axes, (name, values) in zip(figure.subplots(1, 3), panels.items(), strict=True):
            axes.plot(sizes, values, "o", color="#4878a8")
            for codec, size, value in zip(run.codecs, sizes, values, strict=True):
                axes.annotate(codec.value, (size, value), fontsize=7, xytext=(4, 4), textcoords="offset points")
            axes.set_xlim(0, 1.2)
            axes.set_xlabel("bytes over those of raw blocks")
            axes.set_title(name, fontsize=9)
            axes.grid(alpha=0.3)
        return svg_of(figure)


def _share_of_same(found: Sequence[object], raw: Sequence[object]) -> float:
    return mean(float(one == other) for one, other in zip(found, raw, strict=True))
