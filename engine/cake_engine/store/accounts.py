"""How many bytes a tier holds, as all who write it know it together. Pure.

    bytes on the tier <= used + what the writers hold <= limit

A writer holds bytes that were granted to it: those that it may still write, is writing, or has written and not yet
reported. A report moves bytes from held to used and so changes no sum; only a grant raises it, and only up to the
limit. So the tier never holds more than its limit, however late a report is and whoever dies.
"""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field, ValidationError

_HOLDINGS_SHARE = 0.01
"""Of the limit: what all writers may hold together, about, so as not to ask for every single file."""


class Writer(BaseModel):
    """One engine.

    Attributes:
        held: Bytes granted to it and not reported as written.
        limit: Capacity that it was configured with.
        key_space: Folder of the blocks that it uses; None for one that does not say, as engines of earlier versions.
    """

    held: int = Field(default=0, ge=0)
    limit: int = Field(gt=0)
    key_space: str | None = None


class Accounts(BaseModel):
    """The books of one tier.

    Attributes:
        used: Bytes on the tier beside what is held, at most; None until they were counted.
        reported: Bytes reported since the count under way began: it may have missed them.
        counting: Who is counting.
        wanted: Bytes that were asked for and not granted since the last count.
        writers: By name.
    """

    used: int | None = None
    reported: int = 0
    counting: str | None = None
    wanted: int = 0
    writers: dict[str, Writer] = Field(default_factory=dict)

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read the books; those that cannot be read are begun anew, by a count."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return cls()

    @property
    def limit(self) -> int:
        """The least capacity that a writer was configured with; 0 without writers."""
        return min((writer.limit for writer in self.writers.values()), default=0)

    @property
    def held(self) -> int:
        """By all writers."""
        return sum(writer.held for writer in self.writers.values())

    @property
    def key_spaces(self) -> frozenset[str] | None:
        """Of all writers; None where one of them does not say, or nobody is known."""
        named = frozenset(writer.key_space for writer in self.writers.values())
        return None if None in named or not named else frozenset(filter(None, named))

    def report(self, name: str, *, held: int, written: int, limit: int, key_space: str | None = None) -> None:
        """Take a writer's word for what it holds now, and for what it has written since it last said so.

        What it holds is said whole, not as a change: a report that was lost on its way is made good by the next one.
        """
        self.writers[name] = Writer(held=held, limit=limit, key_space=key_space)
        self._use(written)

    def grant(self, name: str, size: int) -> int:
        """Let a writer hold more: a good part if there is room for it, at least `size`; 0 when there is none."""
        if self.used is None:
            return 0
        room = self.limit - self.used - self.held
        part = int(_HOLDINGS_SHARE * self.limit) // len(self.writers)
        granted = next((bytes_ for bytes_ in (part, size) if size <= bytes_ <= room), 0)
        if granted:
            self.writers[name].held += granted
        else:
            self.wanted = max(self.wanted, size)
        return granted

    def bury(self, name: str) -> None:
        """A writer has died: all that it held counts as written, until the next count finds out."""
        self._use(self.writers.pop(name).held)

    def distrust(self) -> None:
        """Nobody kept these books lately: nothing is granted before a count."""
        self.used = None

    def begin_count(self, name: str) -> None:
        """A count begins now: what is reported from here on, it may have missed."""
        self.counting, self.reported = name, 0

    def end_count(self, name: str, found: int) -> None:
        """A count has ended; one that another has overtaken says nothing any more.

        Args:
            name: Who counted.
            found: Bytes of all files that were found and not removed.
        """
        if self.counting == name:
            self.used, self.counting, self.wanted = found + self.reported, None, 0

    def _use(self, size: int) -> None:
        self.reported += size
        if self.used is not None:
            self.used += size
