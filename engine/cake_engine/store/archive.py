"""Blocks between two tiers: a tar of their files, under the names that they have below the tier's folder.

    KEY-SPACE/fingerprint.json      first, for each fingerprint
    KEY-SPACE/00f/00f3...e2.kv      each of its blocks

Nothing in an archive is believed: a name is the one that its content has to have, and the content is checked as a
reader checks a file.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from cake_engine.store.blockfile import HEADER_BYTES
from cake_engine.store.cipher import OVERHEAD_BYTES
from cake_engine.store.keys import BLOCK_SUFFIX, Fingerprint, place
from cake_engine.store.manifest import MANIFEST
from cake_engine.store.verification import GOOD, judge

FOREIGN = "foreign"
"""An outcome: not a block of this format by its name or its size, or one without its fingerprint before it."""

_LONGEST_MANIFEST = 1 << 16
_SLACK = 4096
"""Bytes by which what a codec makes may be longer than the block."""


@dataclass(frozen=True)
class Block:
    """A good one.

    Attributes:
        fingerprint: Of its key space.
        key: By which it is called on a tier.
        content: Its file.
    """

    fingerprint: Fingerprint
    key: bytes
    content: memoryview


@dataclass(frozen=True)
class Entry:
    """What an archive has under a name.

    Attributes:
        name: In the archive.
        outcome: `GOOD`, the `Reject` value, or `FOREIGN`.
        block: None for one that is not good.
    """

    name: str
    outcome: str
    block: Block | None = None


def add(archive: tarfile.TarFile, name: str, content: memoryview | bytes, used: float = 0.0) -> None:
    """Append a file.

    Args:
        archive: Open for writing.
        name: Below the tier's folder.
        content: Of the file.
        used: When it was last used, seconds since the epoch: for people, a tier counts from its arrival.
    """
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = len(content), int(used), 0o660
    archive.addfile(member, io.BytesIO(content))


def entries(archive: tarfile.TarFile) -> Iterator[Entry]:
    """Every block of an archive, checked, and whatever else is in it as `FOREIGN`.

    Raises:
        tarfile.TarError: It is no archive, or ends too early.
    """
    spaces: dict[str, Fingerprint] = {}
    for member in archive:
        name = PurePosixPath(member.name)
        fingerprint = spaces.get(name.parts[0]) if name.parts else None
        if name.name == MANIFEST and (found := _fingerprint(archive, member)) is not None:
            spaces[found.folder] = found
        elif fingerprint is None or not member.isreg() or member.size > _longest(fingerprint):
            yield Entry(member.name, FOREIGN)
        else:
            yield _entry(member.name, fingerprint, _content(archive, member))


def _entry(name: str, fingerprint: Fingerprint, content: memoryview) -> Entry:
    try:
        key = bytes.fromhex(PurePosixPath(name).name.removesuffix(BLOCK_SUFFIX))
        if name != f"{fingerprint.folder}/{place(key)}":
            return Entry(name, FOREIGN)
    except ValueError:
        return Entry(name, FOREIGN)
    outcome = judge(content, fingerprint.folder, key)
    return Entry(name, outcome, Block(fingerprint, key, content) if outcome == GOOD else None)


def _fingerprint(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Fingerprint | None:
    """What a manifest says; None for one that this version would not have written there."""
    if not member.isreg() or member.size > _LONGEST_MANIFEST:
        return None
    try:
        found = Fingerprint.parse(bytes(_content(archive, member)))
    except ValueError:
        return None
    return found if member.name == f"{found.folder}/{MANIFEST}" else None


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> memoryview:
    file = archive.extractfile(member)
    return memoryview(file.read() if file else b"")


def _longest(fingerprint: Fingerprint) -> int:
    return HEADER_BYTES + fingerprint.block_bytes + _SLACK + OVERHEAD_BYTES
