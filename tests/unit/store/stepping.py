"""Work that stops before every call of the file system, to go on, to be told that the call failed, or to die there."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

CALLS = (
    (os, "open"),
    (os, "write"),
    (os, "rename"),
    (os, "unlink"),
    (os, "mkdir"),
    (os, "utime"),
    (os, "scandir"),
    (os, "preadv"),
    (fcntl, "flock"),
    (time, "sleep"),
)
"""What stops. Closing does not: when a process dies, the kernel closes its files."""

_current = threading.local()


class Died(BaseException):
    """The process that did this work is dead; nothing of it may run on."""


class Work:
    """A thread that only moves while somebody steps it."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self.name = name
        self.ended = False
        self.error: BaseException | None = None
        self._order: BaseException | None = None
        self._go, self._stopped = threading.Lock(), threading.Lock()
        for gate in (self._go, self._stopped):
            gate.acquire()
        threading.Thread(target=self._run, args=(work,), daemon=True).start()
        self._stopped.acquire()

    def step(self, calls: int = 1) -> None:
        """Let it make so many calls, or come to its end."""
        for _ in range(calls):
            self._resume(None)

    def fail(self, number: int) -> None:
        """Its next call fails."""
        self._resume(OSError(number, os.strerror(number)))

    def kill(self) -> None:
        """It dies before its next call."""
        self._resume(Died())
        assert self.ended, "the dead went on"

    def _resume(self, order: BaseException | None) -> None:
        if self.ended:
            return
        self._order = order
        self._go.release()
        self._stopped.acquire()

    def _run(self, work: Callable[[], object]) -> None:
        _current.work = self
        try:
            work()
        except Died:
            pass
        except BaseException as error:
            self.error = error
        finally:
            self.ended = True
            self._stopped.release()

    def stop(self) -> None:
        """Called in its thread, before a call."""
        self._stopped.release()
        self._go.acquire()
        if self._order is not None:
            raise self._order


class SteppedLock:
    """A lock between threads; who waits for it can be stepped, or die, meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        while not self._lock.acquire(blocking=False):
            _current.work.stop()

    def __exit__(self, *error: object) -> None:
        self._lock.release()


def make_steppable(patch: pytest.MonkeyPatch) -> None:
    """From now on, work stops before each of `CALLS`; other threads make them as ever."""

    def stopping(call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def stopped(*arguments: Any, **options: Any) -> Any:
            work = getattr(_current, "work", None)
            if work is not None:
                work.stop()
                if name == "sleep":
                    return None
            return call(*arguments, **options)

        return stopped

    for module, name in CALLS:
        patch.setattr(module, name, stopping(getattr(module, name), name))
