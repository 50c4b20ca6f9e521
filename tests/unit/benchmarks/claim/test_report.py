"""What a run of bench-claim is judged by."""

import pytest

from benchmarks.claim.play import BUSY, IDLE, Asked
from benchmarks.claim.report import Run, figures, page
from benchmarks.claim.settings import DEFAULT, OURS, SETTINGS

SECONDS = dict.fromkeys(SETTINGS, 1.0) | {DEFAULT: 2.0, OURS: 0.9}


def run() -> Run:
    """Every request of a setting took as long, new prompts ten times as long."""
    asked = [
        Asked(setting, deployment, stored, seconds if stored else 10 * seconds)
        for setting, seconds in SECONDS.items()
        for deployment, stored in ((BUSY, True), (IDLE, True), (BUSY, False))
    ]
    return Run(
        asked, {OURS: 3 * 2.0**20}, ["busy: held to 2 MiB/s"], 1, 60.0, 0.1, 0.8, "a machine", "a command", "today"
    )


def test_ours_is_judged_by_stored_prompts_beside_the_default_and_the_best_fixed_setting() -> None:
    assert figures(run()) == {
        "claim_ttft_p90_vs_default": pytest.approx(0.45),
        "claim_ttft_p90_vs_best_fixed": pytest.approx(0.9),
    }


def test_the_page_has_a_row_for_each_setting_and_what_the_tuner_did() -> None:
    text = page(run())
    assert all(f"| {setting} |" in text for setting in SETTINGS)
    assert f"| {OURS} | 0.90, 0.90 | 0.90, 0.90 | 0.90, 0.90 | 9.00, 9.00 | 3 | 3 |" in text
    assert "- busy: held to 2 MiB/s" in text
