"""The documentation points at things that exist: files, headings, make targets."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).exists()]


PAGES = tracked("*.md")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+://|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert target.is_relative_to(ROOT), f"{link} leaves the repository"
        assert not anchor or anchor in anchors(target), f"{link}: {target.name} has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_belongs_to_a_lists_item_is_indented_by_four_and_its_code_by_eight(page: Path) -> None:
    """The site's Markdown wants it so; with any other number a command becomes prose there, and not on GitHub."""
    assert re.findall(r"\n\n(?: {1,3}| {5,7})\S.*", prose(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_lists_item_stands_apart_from_the_paragraph_of_the_item_before_it(page: Path) -> None:
    """The site's Markdown takes it for more of that paragraph otherwise, and GitHub does not."""
    assert re.findall(r"\n\n(?: {4}\S.*\n)+(?:\d+\.|[-*]) .*", prose(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"(?:^ {4}|`)(?:[A-Z_]+=\S+ )*make ([a-z0-9-]+)", page.read_text(), flags=re.MULTILINE))
    assert named <= targets


def test_readme_shows_the_first_example_word_for_word() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.DOTALL | re.MULTILINE)
    assert yaml.safe_load(block) == yaml.safe_load((ROOT / "examples/01-five-fields.yaml").read_text())


def test_every_page_is_found_from_the_documentations_table_of_contents() -> None:
    """In one step, or in two by way of a folder's own table."""
    contents = ROOT / "docs/README.md"
    tables = [contents, *sorted(contents.parent.glob("*/README.md"))]
    reached = {(table.parent / link).resolve() for table in tables for link in LINK.findall(table.read_text())}
    pages = {page for page in PAGES if page.is_relative_to(contents.parent)}
    assert pages - reached == {contents}


def test_every_example_is_listed_and_numbered_without_a_gap() -> None:
    folder = ROOT / "examples"
    listed = [link for link in LINK.findall((folder / "README.md").read_text()) if "/" not in link]
    numbered = sorted(path.name for path in folder.glob("[0-9]*.yaml"))
    assert listed == [*numbered, "cakedeployment.yaml"]
    assert [name[:2] for name in numbered] == [f"{number:02d}" for number in range(1, len(numbered) + 1)]


def test_every_decision_is_listed_and_has_its_three_parts() -> None:
    folder = ROOT / "docs/decisions"
    listed = set(LINK.findall((folder / "README.md").read_text()))
    records = sorted(folder.glob("[0-9]*.md"))
    assert listed == {record.name for record in records}
    for number, record in enumerate(records, start=1):
        assert record.name.startswith(f"{number:04d}-")
        parts = re.findall(r"^## (\w+)", record.read_text(), flags=re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences"], record.name
