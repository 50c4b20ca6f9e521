"""Which files leave. Pure: what is there, the limits and the time come in.

Files leave in the order of their last use, which is that of a prefix as a whole: blocks that are loaded are read, and
those that are computed again are looked up. Heads would be cheaper to lose, but a prefix is found from its front, so
without its head the tail of a prefix in use would only take room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

TEMPORARY_SECONDS = 900.0
"""Age after which a temporary belongs to nobody: its writer died or gave up."""


class StoredFile(NamedTuple):
    """One file of a tier.

    Attributes:
        path: Absolute.
        size: Bytes.
        used: When it was last written or read, seconds since the epoch.
        temporary: Not published yet.
    """

    path: str
    size: int
    used: float
    temporary: bool


@dataclass(frozen=True)
class Limits:
    """What a tier may hold.

    Attributes:
        capacity_bytes: At most.
        ttl_seconds: Age since last use after which a block leaves; None keeps it while there is room.
        start: Share of the capacity from which blocks leave.
        stop: Share of the capacity down to which they leave.
    """

    capacity_bytes: int
    ttl_seconds: float | None = None
    start: float = 0.95
    stop: float = 0.90


def choose(
    files: Sequence[StoredFile], limits: Limits, now: float, *, held: int = 0, wanted: int = 0
) -> list[StoredFile]:
    """The files that leave now: abandoned temporaries, what is past its time, then the oldest above the capacity.

    Args:
        files: All of the tier.
        limits: What it may hold.
        now: By the clock of the file system that keeps the files' times.
        held: Bytes that may be written at any moment and count as if they were.
        wanted: Bytes that were asked for and found no room; 0 when none were.
    """
    leaving: list[StoredFile] = []
    staying: list[StoredFile] = []
    for file in files:
        (leaving if _outlived(file, limits, now) else staying).append(file)
    total = held + sum(file.size for file in staying)
    if not wanted and total <= limits.start * limits.capacity_bytes:
        return leaving
    target = min(limits.stop * limits.capacity_bytes, limits.capacity_bytes - wanted)
    for file in sorted((f for f in staying if not f.temporary), key=lambda f: f.used):
        if total <= target:
            break
        leaving.append(file)
        total -= file.size
    return leaving


def _outlived(file: StoredFile, limits: Limits, now: float) -> bool:
    limit = TEMPORARY_SECONDS if file.temporary else limits.ttl_seconds
    return limit is not None and now - file.used > limit
