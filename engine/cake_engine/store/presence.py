"""Which blocks are on a tier, as far as is known, without ever waiting for its file system.

Asking a key that is not known sets a thread on it and says so; the next time there is an answer. Answers age: a block
that another engine wrote is seen within `miss_seconds`. One that was evicted is found missing by the read at the
latest, so a hit may live longer.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from cake_engine.store.answers import Answers

logger = logging.getLogger(__name__)

_MOST_ANSWERS = 1 << 20
_MOST_LOOKS = 1 << 16
"""That may wait for a thread; a file system that is that far behind is not worth asking more."""


class PresenceCache:
    """Answers with bounded age, from threads that look. Every method may be called from any thread and never waits."""

    def __init__(
        self,
        probe: Callable[[bytes], bool],
        *,
        on_answer: Callable[[], None],
        on_fault: Callable[[str], None],
        threads: int = 4,
        hit_seconds: float = 30.0,
        miss_seconds: float = 1.5,
        patience_seconds: float = 0.5,
        limit_seconds: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the threads.

        Args:
            probe: Looks for a key; may wait, may raise OSError.
            on_answer: Called from a thread when all that was asked is answered.
            on_fault: Told why a look was given up: lookup_error, lookup_deadline, lookup_queue_full.
            threads: That look.
            hit_seconds: Age of a hit after which it is looked at anew.
            miss_seconds: The same of a miss.
            patience_seconds: Without any answer, after which a mount counts as hanging: for the age of a miss, all that
                is not known counts as one.
            limit_seconds: After which a look counts as a miss even if others are answered.
            clock: Seconds that never go back.
        """
        self._probe = probe
        self._on_answer = on_answer
        self._on_fault = on_fault
        self._hit_seconds = hit_seconds
        self._miss_seconds = miss_seconds
        self._patience = patience_seconds
        self._limit = limit_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._looks: dict[bytes, float] = {}
        """Keys that threads look for, and since when."""
        self._answers = Answers(_MOST_ANSWERS)
        self._asked: queue.SimpleQueue[tuple[bytes, float] | None] = queue.SimpleQueue()
        self._last_answer = self._stalled_until = float("-inf")
        self._logged = self._stopping = False
        self._threads = [
            threading.Thread(target=self._look, name=f"cake-presence-{n}", daemon=True) for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, key: bytes) -> bool | None:
        """Whether a block is there; None while that is being found out."""
        now = self._clock()
        with self._lock:
            end = self._answers.end(key)
            if now < end:
                return True
            if now < -end:
                return False
            since = self._looks.get(key)  # only while there is no answer that is believed
            hanging = since is not None and now - max(since, self._last_answer) > self._patience
            if since is not None and not hanging and now < since + self._limit:
                return None
            if now < self._stalled_until:
                return False
            if since is None and self._asked.qsize() < _MOST_LOOKS:
                self._looks[key] = now
                self._asked.put((key, now))
                return None
            self._keep(key, False, now + self._miss_seconds)
            if hanging:
                self._stalled_until = now + self._miss_seconds
        self._on_fault("lookup_queue_full" if since is None else "lookup_deadline")
        return False

    def note(self, key: bytes, present: bool, *, seconds: float | None = None) -> None:
        """Say what is known from elsewhere: a block was read, written, found missing.

        Args:
            key: Of the block.
            present: Whether it may be asked for.
            seconds: How long to believe so; None for the usual age.
        """
        now = self._clock()
        age = seconds if seconds is not None else self._hit_seconds if present else self._miss_seconds
        with self._lock:
            self._keep(key, present, now + age)

    def stop(self) -> None:
        """End the threads, unless a file system holds them; then they end by themselves."""
        self._stopping = True
        for _ in self._threads:
            self._asked.put(None)
        limit = time.monotonic() + 1.0
        for thread in self._threads:
            thread.join(timeout=max(0.0, limit - time.monotonic()))

    def _keep(self, key: bytes, present: bool, until: float) -> None:
        """Remember an answer. Whoever asks holds up the engine, so nothing is sorted or searched under the lock."""
        self._looks.pop(key, None)
        self._answers.put(key, present, until)

    def _look(self) -> None:
        while (asked := self._asked.get()) is not None and not self._stopping:
            key, at = asked
            if self._clock() - at > self._limit:
                self._drop(key)
            else:
                self._answer(key)
            if self._asked.empty():
                self._on_answer()

    def _answer(self, key: bytes) -> None:
        try:
            present = self._probe(key)
        except Exception as error:  # whatever it is, a thread that ended would leave its share of look-ups unanswered
            present = False
            self._on_fault("lookup_error")
            if not self._logged:
                self._logged = True
                logger.warning("A look-up failed (%r) and counts as a miss; further ones are only counted", error)
        self._last_answer = self._clock()
        self.note(key, present)

    def _drop(self, key: bytes) -> None:
        """Give up a look: whoever asked has been told, and the next to ask sets off a new one."""
        with self._lock:
            self._looks.pop(key, None)
