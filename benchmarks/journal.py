"""What a run finds as it comes, on disk: a run that was interrupted goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

Figures = dict[str, float]
Found = TypeVar("Found")
"""What a cell found, in what JSON can say."""


def code_of(*modules: ModuleType) -> str:
    """A digest of the sources of modules, and of whole packages: figures of other code are not gone on with."""
    digest = hashlib.sha256()
    for path in sorted(_sources(modules)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _sources(modules: tuple[ModuleType, ...]) -> Iterator[Path]:
    for module in modules:
        path = Path(module.__file__ or "")
        yield from path.parent.rglob("*.py") if path.name == "__init__.py" else (path,)


class JournalError(RuntimeError):
    """The journal is of another run; the text says what to do."""


class Journal(Generic[Found]):
    """A file of one cell a line, after a line that says what was measured."""

    def __init__(self, path: Path, code: str, *, resume: bool) -> None:
        """Begin a journal, or go on with one.

        Args:
            path: Of the file.
            code: A digest of what is measured.
            resume: Whether to go on.

        Raises:
            JournalError: It cannot be gone on with.
        """
        self._path = path
        self.figures: dict[str, Found] = {}
        if resume:
            self._read(code)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"code": code}) + "\n")

    def add(self, cell: str, figures: Found) -> None:
        """Keep what a cell found."""
        self.figures[cell] = figures
        with self._path.open("a") as lines:
            lines.write(json.dumps({"cell": cell, "figures": figures}) + "\n")

    def _read(self, code: str) -> None:
        again = "leave out --resume to begin anew"
        try:
            lines = self._path.read_text().splitlines(keepends=True)
        except FileNotFoundError:
            raise JournalError(f"there is no run to resume at {self._path}: {again}") from None
        whole = [json.loads(line) for line in lines if line.endswith("\n")]  # the last one may have been cut short
        if not whole or whole[0] != {"code": code}:
            raise JournalError(f"{self._path} is of other code, or of another benchmark: {again}")
        self.figures = {entry["cell"]: entry["figures"] for entry in whole[1:]}
        self._path.write_text("".join(json.dumps(entry) + "\n" for entry in whole))
