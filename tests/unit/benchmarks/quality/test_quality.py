"""The tasks can be answered, the figures are of what was said, and what is published is what codecs are held to."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.quality import report
from benchmarks.quality.__main__ import shares_of
from benchmarks.quality.answers import Answers
from benchmarks.quality.material import Material
from benchmarks.quality.report import Quality, Run, judge, page, write
from benchmarks.quality.safety import safe
from benchmarks.quality.tasks import TASKS, Session, Turn, score, sessions
from cake_engine.config import MEASURED_QUALITY, CodecName

PUBLISHED = Path(__file__).parents[4] / "docs/benchmarks/codecs.json"


class Letters:
    """A tokenizer of characters."""

    def decode(self, ids: list[int]) -> str:
        return "".join(map(chr, ids))


def tokens(text: str) -> list[int]:
    return [ord(letter) for letter in text]


@pytest.mark.parametrize("session", sessions(2, 4), ids=lambda session: session.task)
def test_every_question_can_be_answered_from_its_context(session: Session) -> None:
    assert len(session.turns) == 4
    for turn in session.turns:
        assert all(answer in session.context for answer in turn.answers)
        assert score(turn, f" {' and '.join(turn.answers)}, is what I say") == 1
        assert score(turn, " I do not know") == 0


def test_sessions_are_the_same_in_every_run_and_all_different() -> None:
    assert sessions(3, 4) == sessions(3, 4)
    assert len({session.context for session in sessions(3, 4)}) == 3 * len(TASKS)


def test_a_question_comes_after_the_earlier_ones_and_their_right_answers() -> None:
    session = Session("t", "c", (Turn("one?", ("a", "b")), Turn("two?", ("c",))), 4)

    assert session.before(0) == "one?"
    assert session.before(1) == "one?a b\ntwo?"


@pytest.mark.parametrize(
    ("answers", "said", "worth"),
    [
        (("12",), " 12.", 1),
        (("12",), "123", 0),
        (("12",), "it is 12", 0),
        (("AB", "CD", "EF", "GH"), " AB, XY and EF", 0.5),
    ],
)
def test_an_answer_is_worth_what_of_it_is_right(answers: tuple[str, ...], said: str, worth: float) -> None:
    assert score(Turn("", answers), said) == worth


SESSION = Session("key-value", "", (Turn("", ("a",)), Turn("", ("b",))), 4)
MATERIAL = Material([], [SESSION], [[]], Letters())  # type: ignore[arg-type]
RAW = Answers([1, 2, 3, 4], [-1.0, -1.0, -2.0, -2.0], [tokens("a"), tokens("c")], 1000, 0.5)


def test_a_codec_is_judged_beside_raw_blocks() -> None:
    found = Answers([1, 2, 3, 5], [-2.0, -2.0, -2.0, -2.0], [tokens("a"), tokens("b")], 500, 0.25)

    assert judge(MATERIAL, RAW, found) == Quality(
        size=0.5,
        agreement=0.75,
        perplexity=pytest.approx(math.exp(2)),  # type: ignore[arg-type]
        same_answers=0.5,
        scores={"key-value": 1.0},
        ttft_seconds=0.25,
    )
    assert judge(MATERIAL, RAW, RAW).agreement == 1


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MEASURED_QUALITY", {CodecName.INT8: 0.9})


def run(**agreements: float) -> Run:
    qualities = {
        CodecName(name): replace(judge(MATERIAL, RAW, RAW), agreement=share) for name, share in agreements.items()
    }
    return Run(qualities, positions=4, questions=2, model="m", machine="one core", command="c", date="2026-11-23")


@pytest.mark.usefixtures("published")
def test_an_exact_codec_may_change_nothing_and_a_lossy_one_no_more_than_is_published() -> None:
    assert run(Raw=1, Zstd=1, Int8=0.9).changed_exact() == []
    assert run(Raw=1, Zstd=1, Int8=0.9).worse_than_published() == []
    assert run(Raw=1, Zstd=0.999, Int8=1).changed_exact() == [CodecName.ZSTD]
    assert run(Raw=1, Int8=0.85).worse_than_published() == [CodecName.INT8]


@pytest.mark.parametrize(
    ("agreement", "perplexity", "score", "verdict"),
    [
        (1.0, 1.0, 0.0, True),
        (0.95, 1.01, -0.05, True),
        (0.94, 1.0, 0.0, False),
        (1.0, 1.02, 0.0, False),
        (1.0, 1.0, -0.06, False),
        (0.99, 0.97, 0.1, True),
    ],
)
def test_a_codec_is_safe_when_it_keeps_tokens_perplexity_and_answers(
    agreement: float, perplexity: float, score: float, verdict: bool
) -> None:
    assert safe(agreement=agreement, perplexity=perplexity, score=score) is verdict


@pytest.mark.parametrize(
    ("codecs", "shares"),
    [([1], [[1]]), ([1, 2, 3], [[1, 2, 3]]), ([1, 2, 3, 4], [[1, 2], [3, 4]]), ([1, 2, 3, 4, 5], [[1, 2, 3], [4, 5]])],
)
def test_codecs_are_shared_out_to_as_few_engines_as_have_tiers_for_them(
    codecs: list[CodecName], shares: list[list[CodecName]]
) -> None:
    assert shares_of(codecs, 3) == shares


def test_the_page_and_the_data_say_what_was_found(tmp_path: Path) -> None:
    found = run(Raw=1, Kivi2=0.5)
    write(found, tmp_path)

    assert "| `Kivi2` | 1.00 | 0.500 |" in page(found)
    assert "|\n\n|" not in page(found), "no table is broken in two"
    assert [found.safe(CodecName.RAW), found.safe(CodecName.KIVI2)] == [True, False]
    assert json.loads((tmp_path / "codecs.json").read_text())["codecs"]["Kivi2"]["agreement"] == 0.5
    assert json.loads((tmp_path / "codecs.json").read_text())["codecs"]["Kivi2"]["safe"] is False
    assert (tmp_path / "codecs.svg").read_text().startswith("<?xml")


def test_codecs_are_held_to_what_is_published_of_them() -> None:
    codecs = json.loads(PUBLISHED.read_text())["codecs"] if PUBLISHED.exists() else {}
    kept = {name: codecs.get(name, {"agreement": 0.0})["agreement"] for name in MEASURED_QUALITY}

    assert {name: math.floor(100 * share) / 100 for name, share in kept.items()} == MEASURED_QUALITY
