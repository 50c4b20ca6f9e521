"""What MkDocs builds the site from (a hook of mkdocs.yml): the repository as it is, so that every link holds in both.

A page of the site is a Markdown file of the repository under its own path; beside them lies every file that one of them
links to. The navigation is the table of contents, docs/README.md.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
CONTENTS = ROOT / "docs/README.md"
STYLE = "assets/documentation.css"
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s#]+)[^)]*\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make the navigation, a section for each heading of the table of contents, and name the style sheet."""
    config.extra_css.append(STYLE)
    sections = re.split(r"^## ", CONTENTS.read_text(), flags=re.MULTILINE)[1:]
    config.nav = [
        {"Home": ["README.md", {"All pages": _uri(CONTENTS)}]},
        *(dict([_section(text)]) for text in sections),
    ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put the repository's pages, and what they link to, in the place of the folder that MkDocs has looked at."""
    for file in [file for file in files if file.src_dir == config.docs_dir]:
        files.remove(file)
    pages = sorted(_pages())
    linked = {target for page in pages for _, target in _links(page) if target.is_file()}
    for path in sorted({*pages, *linked}):
        files.append(File.generated(config, _uri(path), abs_src_path=str(path)))
    files.append(File.generated(config, STYLE, abs_src_path=str(Path(__file__).with_suffix(".css"))))
    return files


def _pages() -> Iterator[Path]:
    """The Markdown files that are the project's own, new ones among them."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return (path for line in listed.splitlines() if (path := ROOT / line).exists())


def _links(page: Path) -> Iterator[tuple[str, Path]]:
    """The text of each relative link of a page, and the file that it leads to."""
    for text, link in LINK.findall(page.read_text()):
        if "://" not in link:
            yield text, (page.parent / link).resolve()


def _section(text: str) -> tuple[str, list[dict[str, Any]]]:
    """The name and the pages of one heading; a folder's own table becomes a section in it."""
    title, _, body = text.partition("\n")
    targets = [(name, (CONTENTS.parent / link).resolve()) for name, link in LINK.findall(body)]
    return title, [_entry(name, path) for name, path in targets if path.suffix == ".md"]


def _entry(name: str, path: Path) -> dict[str, Any]:
    """A page, or a folder's own table with the pages of the folder that it leads to."""
    title = name[:1].upper() + name[1:]
    if path.name != "README.md":
        return {title: _uri(path)}
    inner = [{text: _uri(page)} for text, page in _links(path) if page.parent == path.parent and page.suffix == ".md"]
    return {title: [_uri(path), *inner] if inner else _uri(path)}


def _uri(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
