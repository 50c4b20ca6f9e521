"""Real long documents that every machine with Python has: the standard library's own source, which is half prose."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Modules of long docstrings and comments, most telling first.
MODULES = (
    "argparse",
    "difflib",
    "statistics",
    "doctest",
    "subprocess",
    "fractions",
    "optparse",
    "dataclasses",
    "zipfile",
    "textwrap",
    "tarfile",
    "inspect",
    "pickletools",
    "threading",
    "logging/__init__",
    "unittest/mock",
    "asyncio/base_events",
    "random",
    "turtle",
    "typing",
)


@dataclass(frozen=True, slots=True)
class Document:
    """The beginning of one module.

    Attributes:
        name: The module's file, as in ``argparse.py``.
        text: Whole lines from its beginning.
        tokens: How many tokens the text has.
    """

    name: str
    text: str
    tokens: int


def standard_library() -> Path:
    """Return the folder of this Python's standard library."""
    return Path(sysconfig.get_paths()["stdlib"])


def documents(
    token_ends: Callable[[str], Sequence[int]], *, tokens: int, folder: Path, modules: Sequence[str] = MODULES
) -> Iterator[Document]:
    """Yield the documents that are longer than ``tokens`` tokens, each cut at the last whole line that fits.

    Args:
        token_ends: Where each token of a text ends, in characters, for the model that will read it.
        tokens: The length of each document.
        folder: Where the modules lie.
        modules: Which modules, as paths without ``.py``.
    """
    for module in modules:
        path = folder / f"{module}.py"
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        ends = token_ends(text)
        if len(ends) <= tokens:
            continue
        cut = text.rfind("\n", 0, ends[tokens - 1]) + 1
        yield Document(path.relative_to(folder).as_posix(), text[:cut], sum(end <= cut for end in ends))
