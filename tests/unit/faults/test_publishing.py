"""The page that `make test-faults` writes."""

import json
from pathlib import Path

from tests.faults.outcome import Outcome, row, summary
from tests.faults.publishing import publish


def test_the_page_has_a_row_for_each_fault_and_names_what_did_not_hold(tmp_path: Path) -> None:
    held = Outcome("conflict", 1, "rollout", struck=3, writes=4, allowed=12, failures=(), seconds=1.0)
    failed = Outcome(
        "quota", 7, "create", struck=1, writes=2, allowed=60, failures=("a replica was lost",), seconds=2.0
    )
    rows = [row(one.fault, [one], restarts=0, shared_failures=0) for one in (held, failed)]
    publish(summary(rows, [held, failed]), tmp_path)

    page = (tmp_path / "faults.md").read_text()
    assert "2 runs, 1 failures." in page
    assert "| conflict | 1 | 3 | 4 | 12 | 0 | 0 |\n| quota | 1 | 1 | 2 | 60 | 0 | 1 |\n" in page
    assert "- `" + failed.line() + "`" in page
    document = json.loads((tmp_path / "faults.json").read_text())
    assert (document["fault_runs"], document["fault_failures"]) == (2, 1)
