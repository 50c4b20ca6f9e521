"""What is published of codecs becomes the shares that floors are compared with, and the reference."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from cake_engine.config import CodecName
from scripts.pages import quality

FIGURES = {"size": 0.5469, "agreement": 0.9769, "perplexity": 8.42, "safe": True}
RUN = {
    "date": "2026-11-24",
    "model": "small",
    "positions": 768,
    "codecs": {
        "Raw": FIGURES | {"size": 1.0, "agreement": 1.0, "perplexity": 8.0},
        "Int8": FIGURES,
        "Kivi2": FIGURES | {"agreement": 0.8, "safe": False},
    },
}


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(quality, "_PUBLISHED", tmp_path / "codecs.json")
    return tmp_path / "codecs.json"


def shares(folder: Path) -> dict[str, float]:
    (folder / "made.py").write_text(quality.module())
    return dict(runpy.run_path(str(folder / "made.py"))["SHARES"])


def test_a_share_is_rounded_down_and_exact_codecs_have_none(published: Path) -> None:
    published.write_text(json.dumps(RUN))

    assert shares(published.parent) == {"Int8": 0.97, "Kivi2": 0.8}


def test_the_reference_says_what_may_be_asked_for_and_what_was_not_measured(published: Path) -> None:
    published.write_text(json.dumps(RUN))
    page = quality.page()

    assert "2026-11-24, small, 768 next tokens." in page
    assert "| `Raw` | every bit | 1.00 | 1.000 | 1.000 |  | yes |" in page
    assert "| `Int8` | nearly the same numbers | 0.55 | 0.977 | 1.052 | 0.97 | yes |" in page
    assert "| `Kivi2` | nearly the same numbers | 0.55 | 0.800 | 1.052 | 0.80 | no |" in page
    assert "| `Kivi4` | nearly the same numbers | not measured |  |  | 0 | no |" in page


def test_before_any_run_is_published_every_codec_is_listed_and_no_lossy_one_is_safe(published: Path) -> None:
    rows = [line for line in quality.page().splitlines() if line.startswith("| `")]

    assert shares(published.parent) == {}
    assert "No run has been published yet." in quality.page()
    assert [row.endswith("| yes |") for row in rows] == [name.exact for name in CodecName]
