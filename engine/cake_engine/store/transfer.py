"""One block on its way, which can be given up at any time but while it touches the engine's memory.

The thread that moves it works on a buffer of its own, and only `begin_commit` lets it touch that memory.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum, auto


class _State(Enum):
    QUEUED = auto()
    RUNNING = auto()
    COMMITTING = auto()
    ABANDONED = auto()


@dataclass(eq=False)
class Transfer:
    """One block on its way.

    Attributes:
        job: Number of the engine's job that it belongs to.
        owner: Request that asked, for taking it back.
        key: Of the block on tiers, as `key_at` makes it.
        chunk: Its place in the engine's memory.
        size: Bytes of its file without a codec.
        failure: Why it failed; None while it has not. Set by `fail` and `abandon` alone.
        moved: Bytes that went over the wire: fewer with a codec; 0 when none did.
        writing_seconds: In the file system, of a block that was written; without its codec and its copy.
        together: Transfers of its pool that ran with it, itself among them: as many as there were at its start or end.
    """

    job: int
    owner: str
    key: bytes
    chunk: int
    size: int
    failure: str | None = None
    moved: int = 0
    writing_seconds: float = 0.0
    together: int = field(default=1, init=False)
    asked: float = field(default=0.0, init=False)
    started: float = field(default=0.0, init=False)
    _state: _State = field(default=_State.QUEUED, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def begin_commit(self) -> bool:
        """Whether the engine's memory may be touched from now to the end; False once it was given up."""
        return self._move(_State.RUNNING, _State.COMMITTING)

    def end_commit(self) -> None:
        """The engine's memory is not touched any more: from here the transfer can be given up again."""
        self._move(_State.COMMITTING, _State.RUNNING)

    def start(self, now: float) -> None:
        """Its turn has come."""
        self.started = now
        self._move(_State.QUEUED, _State.RUNNING)

    def fail(self, reason: str) -> None:
        """Say why it failed; once it was given up, that stays the reason."""
        with self._lock:
            if self._state is not _State.ABANDONED:
                self.failure = reason

    def abandon(self, reason: str) -> bool:
        """Give it up; False while it touches the engine's memory, which takes no longer than a copy."""
        with self._lock:
            if self._state is not _State.RUNNING:
                return False
            self._state, self.failure = _State.ABANDONED, reason
            return True

    @property
    def abandoned(self) -> bool:
        """Given up and reported."""
        return self._state is _State.ABANDONED

    def _move(self, before: _State, after: _State) -> bool:
        with self._lock:
            if self._state is not before:
                return False
            self._state = after
            return True
