"""The plays of a run as they come, on disk: a run that was interrupted goes on where it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmarks.ttft.records import Play, Reference, Scale


class JournalError(RuntimeError):
    """The journal is of another run; the text says what to do."""


class Header(BaseModel):
    """What the plays of a run have in common; its cells may grow.

    Attributes:
        repeats: Rounds of each cell.
        engine: The code that was measured, as a digest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    repeats: int
    engine: str


class Entry(BaseModel):
    """One line: one of these."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    header: Header | None = None
    scale: Scale | None = None
    reference: Reference | None = None
    play: Play | None = None


class Journal:
    """A file of one entry a line, appended to as results come."""

    def __init__(self, path: Path, header: Header, *, resume: bool) -> None:
        """Begin a journal, or go on with one.

        Raises:
            JournalError: It cannot be gone on with.
        """
        self._path = path
        self.scales: dict[int, Scale] = {}
        self.references: dict[str, Reference] = {}
        self.plays: dict[str, Play] = {}
        if resume:
            self._read(header)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
            self._append(Entry(header=header))

    def add_scale(self, scale: Scale) -> None:
        """Keep what a length costs."""
        self.scales[scale.tokens] = scale
        self._append(Entry(scale=scale))

    def add_reference(self, reference: Reference) -> None:
        """Keep what plain compute answered."""
        self.references[reference.prompt] = reference
        self._append(Entry(reference=reference))

    def add_play(self, play: Play) -> None:
        """Keep a play."""
        self.plays[play.turn] = play
        self._append(Entry(play=play))

    def _append(self, entry: Entry) -> None:
        with self._path.open("a") as lines:
            lines.write(entry.model_dump_json(exclude_unset=True) + "\n")

    def _read(self, header: Header) -> None:
        again = "leave out --resume to begin anew"
        try:
            lines = self._path.read_text().splitlines(keepends=True)
        except FileNotFoundError:
            raise JournalError(f"there is no run to resume at {self._path}: {again}") from None
        entries = _entries(lines)
        if not entries or entries[0].header != header:
            raise JournalError(
                f"{self._path} is of a run with other repeats or of another engine: give the same --repeats, or {again}"
            )
        for entry in entries:
            if entry.scale is not None:
                self.scales[entry.scale.tokens] = entry.scale
            if entry.reference is not None:
                self.references[entry.reference.prompt] = entry.reference
            if entry.play is not None:
                self.plays[entry.play.turn] = entry.play
        self._path.write_text("".join(entry.model_dump_json(exclude_unset=True) + "\n" for entry in entries))


def _entries(lines: Sequence[str]) -> list[Entry]:
    """The entries; a last line that was cut short does not count."""
    entries = []
    for number, line in enumerate(lines, 1):
        try:
            entries.append(Entry.model_validate_json(line))
        except ValidationError:
            if number < len(lines) or line.endswith("\n"):
                raise JournalError(
                    f"line {number} of the journal is not an entry of this version: begin anew"
                ) from None
    return entries
