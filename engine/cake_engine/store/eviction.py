"""Which files leave. Pure: what is there, the limits and the time come in.

First what is past its time, and temporaries of the dead. Where that makes not enough room: blocks of key spaces that
nobody uses any more, the longest unused first; then those that are worth the least (`cake_engine.core.retention`), so
the heads of a prefix before its tail. Pinned blocks stay, whatever their age.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import NamedTuple

from cake_engine.core.retention import worth

TEMPORARY_SECONDS = 900.0
"""Age after which a temporary belongs to nobody: its writer died or gave up."""


class StoredFile(NamedTuple):
    """One file of a tier.

    Attributes:
        path: Absolute.
        size: Bytes.
        used: When it was last written or read, seconds since the epoch.
        temporary: Not published yet.
        key_space: Name of its fingerprint's folder.
        saving: Compute that each byte of it saves when it is used, in proportion to that of an uncompressed block at
            the front of a prefix.
    """

    path: str
    size: int
    used: float
    temporary: bool
    key_space: str = ""
    saving: float = 1.0


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


@dataclass(frozen=True)
class Knowledge:
    """What is known of files beside themselves.

    Attributes:
        uses: How often each file was seen to be used again, in their order; empty where nobody has looked.
        orphaned: Key spaces that nobody uses any more.
        pinned: Paths of the files that stay.
    """

    uses: Sequence[int] = ()
    orphaned: Collection[str] = field(default_factory=frozenset)
    pinned: Collection[str] = field(default_factory=frozenset)


NOTHING_KNOWN = Knowledge()


def choose(
    files: Sequence[StoredFile],
    limits: Limits,
    now: float,
    *,
    held: int = 0,
    wanted: int = 0,
    known: Knowledge = NOTHING_KNOWN,
) -> list[StoredFile]:
    """The files that leave now, in their order.

    Args:
        files: All of the tier.
        limits: What it may hold.
        now: By the clock of the file system that keeps the files' times.
        held: Bytes that may be written at any moment and count as if they were.
        wanted: Bytes that were asked for and found no room; 0 when none were.
        known: What is known of the files beside.
    """
    leaving = [file for file in files if _outlived(file, limits, now) and file.path not in known.pinned]
    total = held + sum(file.size for file in files) - sum(file.size for file in leaving)
    if not wanted and total <= limits.start * limits.capacity_bytes:
        return leaving
    target = min(limits.stop * limits.capacity_bytes, limits.capacity_bytes - wanted)
    gone = {file.path for file in leaving}
    for file in in_order(files, now, known):
        if total <= target:
            break
        if file.path not in gone:
            leaving.append(file)
            total -= file.size
    return leaving


def in_order(files: Sequence[StoredFile], now: float, known: Knowledge = NOTHING_KNOWN) -> list[StoredFile]:
    """The blocks that may leave, the first to leave first.

    Args:
        files: All of the tier.
        now: By the clock of the file system that keeps the files' times.
        known: What is known of the files beside.
    """
    orphans, others, worths = list[StoredFile](), list[StoredFile](), list[float]()
    for file, uses in zip(files, chain(known.uses, repeat(0)), strict=False):
        if file.temporary or file.path in known.pinned:
            continue
        if file.key_space in known.orphaned:
            orphans.append(file)
        else:
            others.append(file)
            worths.append(worth(file.saving, uses, now - file.used))
    orphans.sort(key=lambda file: file.used)
    return orphans + [others[place] for place in sorted(range(len(others)), key=worths.__getitem__)]


def _outlived(file: StoredFile, limits: Limits, now: float) -> bool:
    limit = TEMPORARY_SECONDS if file.temporary else limits.ttl_seconds
    return limit is not None and now - file.used > limit
