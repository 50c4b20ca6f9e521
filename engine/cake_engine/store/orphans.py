"""Key spaces that nobody uses any more: of a model, a revision, a codec or a format that has been given up.

Pure: what is there, who lives and the time come in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from cake_engine.store.eviction import StoredFile

ORPHAN_SECONDS = 3600.0
"""Since the last use of any of its blocks: a fleet that restarts, or is rolled back, finds what it had."""


def orphaned(files: Iterable[StoredFile], alive: Collection[str] | None, now: float) -> frozenset[str]:
    """The key spaces whose blocks leave before all others.

    Args:
        files: All of the tier.
        alive: Key spaces of the engines that live; None where one of them does not say, as older ones do not: then
            nobody can be sure that nobody uses a key space.
        now: By the clock of the file system that keeps the files' times.
    """
    if alive is None:
        return frozenset()
    last: dict[str, float] = {}
    for file in (file for file in files if not file.temporary):
        last[file.key_space] = max(file.used, last.get(file.key_space, float("-inf")))
    return frozenset(space for space, used in last.items() if space not in alive and now - used > ORPHAN_SECONDS)
