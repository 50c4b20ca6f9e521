"""The live configuration file as the engine sees it: read when it changes, refused whole when bad."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Self

from cake_engine.config import ConfigError, LiveConfig, StaticConfig, parse

logger = logging.getLogger(__name__)

_Signature = tuple[int, int, int, int]


class LiveConfigFile:
    """The newest valid content of one file.

    `current` may be asked on every engine step: it looks at the file at most once per interval, with one stat, and
    reads it only when it changed. Kubernetes publishes a ConfigMap folder by swapping a `..data` symlink; stat follows
    it, so the new file's inode is the change. There is no thread to stop.

    Attributes:
        rejects: Contents refused since the start; each is logged once.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        *,
        tiers: Collection[str] | None = None,
        interval_seconds: float = 0.25,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch a file, or hold the defaults.

        Args:
            path: The file; None holds `LiveConfig`'s defaults for ever, as generation 1.
            tiers: Names that bandwidth caps may use; None accepts any.
            interval_seconds: How old an answer may be.
            clock: Seconds that never go back.
        """
        self.rejects = 0
        self._path = None if path is None else Path(path)
        self._tiers = None if tiers is None else frozenset(tiers)
        self._interval = interval_seconds
        self._clock = clock
        self._checking = threading.Lock()
        self._next_check = clock()
        self._seen: _Signature | None = None
        self._last_fault: str | None = None
        self._current = LiveConfig()
        self._accepted = path is None

    @classmethod
    def of(cls, static: StaticConfig) -> Self:
        """The file that a static configuration names, checked against its tiers."""
        return cls(static.live_config, tiers=[tier.name for tier in static.tiers])

    @property
    def current(self) -> LiveConfig:
        """The last good content; the defaults until there is one."""
        self._refresh()
        return self._current

    @property
    def generation(self) -> int:
        """Generation of `current`; 0 while a file is named and none of its contents was good."""
        self._refresh()
        return self._current.generation if self._accepted else 0

    def _refresh(self) -> None:
        if self._path is None or self._clock() < self._next_check:
            return
        if not self._checking.acquire(blocking=False):
            return  # another thread is looking; its answer is the next one given
        try:
            self._next_check = self._clock() + self._interval
            self._look(self._path)
        finally:
            self._checking.release()

    def _look(self, path: Path) -> None:
        try:
            signature = _signature(path)
            if signature == self._seen:
                return
            content = path.read_bytes()
        except OSError as error:
            self._seen = None
            self._refuse(f"{path}: cannot be read ({error.strerror})", fault=f"errno {error.errno}")
            return
        self._seen = signature
        try:
            config = parse(LiveConfig, content, str(path))
            self._check_tiers(config)
        except ConfigError as error:
            self._refuse(str(error), fault=hashlib.sha256(content).hexdigest())
            return
        self._last_fault = None
        self._current, self._accepted = config, True
        logger.info("Live configuration generation %d of %s is in force: mode %s", config.generation, path, config.mode)

    def _check_tiers(self, config: LiveConfig) -> None:
        if self._tiers is None:
            return
        named = config.load_bandwidth_bytes_per_second.keys() | config.write_bandwidth_bytes_per_second.keys()
        if unknown := sorted(named - self._tiers):
            raise ConfigError(f"{self._path}: no tier is called {unknown[0]!r}; there are {sorted(self._tiers)}.")

    def _refuse(self, sentence: str, *, fault: str) -> None:
        if fault == self._last_fault:
            return
        self._last_fault = fault
        self.rejects += 1
        kept = f"generation {self._current.generation} stays" if self._accepted else "the defaults stay"
        logger.error("Live configuration refused, %s in force. %s", kept, sentence)


def _signature(path: Path) -> _Signature:
    stat = path.stat()
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size
