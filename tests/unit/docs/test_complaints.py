"""Each complaint is answered by tests that exist, or is said to be a limit."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs/complaints.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.read_text().splitlines()
    if line.startswith("| ") and not line.startswith(("| complaint", "| ---"))
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_complaint_is_answered_by_a_test_or_called_a_limit(row: list[str]) -> None:
    _, answer, shown = row
    tests = re.findall(r"\[([^\]]+)\]\(\.\./(tests/[^)]+)\)", shown)
    assert bool(tests) != (answer.startswith("Limit: ") and shown == "nothing: a limit")
    for sentence, path in tests:
        name = f"test_{sentence.replace(' ', '_')}"
        assert re.search(rf"^(async )?def {name}\(", (PAGE.parents[1] / path).read_text(), re.MULTILINE), name
