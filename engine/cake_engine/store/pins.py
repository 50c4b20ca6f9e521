"""Prefixes that stay: records of their blocks beside those, which whoever removes blocks reads first.

    KEY-SPACE/pins/NAME.json        {"blocks": [names of blocks without their suffix, head first]}

All pins together hold a quarter of the capacity at most, so there is always room for the blocks of everybody else. One
that finds no room in it counts as not made, whole, until others are gone: those that were made first go first.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from cake_engine.store.census import key_spaces, strays
from cake_engine.store.keys import place
from cake_engine.store.listing import StoredFile
from cake_engine.store.publishing import publish

PINNED_SHARE = 0.25
"""Of the capacity: what all pins together hold, at most."""
MOST_PINS = 64
"""Of a key space: more are not made, so that records do not gather."""
NAME_PATTERN = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
"""What a pin may be called: a lower-case label of 63 characters at most."""

_FOLDER = "pins"
_SUFFIX = ".json"
_MOST_BYTES = 1 << 24


class _Record(BaseModel):
    blocks: list[Annotated[str, Field(pattern=r"^([0-9a-f]{2}){4,}$")]]


@dataclass(frozen=True)
class Pin:
    """One prefix that stays.

    Attributes:
        key_space: Name of its fingerprint's folder.
        name: Of the pin.
        made: When, seconds since the epoch by the file system's clock.
        blocks: Paths of its blocks, head first, whether they are there or not.
    """

    key_space: str
    name: str
    made: float
    blocks: Sequence[str]


class TooManyPinsError(ValueError):
    """A key space has as many pins as it may have."""


def write(key_space: str, name: str, keys: Iterable[bytes]) -> None:
    """Make a pin, or make it anew.

    Args:
        key_space: Folder of the fingerprint.
        name: As `NAME_PATTERN` has it.
        keys: Of the blocks on the tier, head first.

    Raises:
        OSError: It could not be written.
        TooManyPinsError: There are too many of other names.
    """
    others = {record for record in _records(key_space) if Path(record).stem != name}
    if len(others) >= MOST_PINS:
        raise TooManyPinsError(f"{Path(key_space).name} has {len(others)} pins, and no more are kept")
    record = _Record(blocks=[key.hex() for key in keys])
    publish(_path(key_space, name), memoryview(record.model_dump_json().encode()))


def remove(key_space: str, name: str) -> bool:
    """Take a pin back; whether there was one.

    Raises:
        OSError: It is there and could not be removed.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_path(key_space, name))
        return True
    return False


def pins(root: str | os.PathLike[str]) -> list[Pin]:
    """All pins of a tier, in the order in which they were made; records that nobody can read are none.

    Raises:
        OSError: A folder could not be read.
    """
    found = [pin for space in key_spaces(root) for record in _records(space) if (pin := _read(space, record))]
    return sorted(found, key=lambda pin: (pin.made, pin.key_space, pin.name))


def unfinished(key_space: str) -> Iterator[StoredFile]:
    """Temporaries of records.

    Raises:
        OSError: The folder could not be read.
    """
    return strays(f"{key_space}/{_FOLDER}", lambda name: name.endswith(_SUFFIX))


def honoured(
    made: Sequence[Pin], files: Iterable[StoredFile], capacity_bytes: int, without: Collection[str] = ()
) -> list[Pin]:
    """The pins that hold.

    Args:
        made: All, in order.
        files: All of the tier.
        capacity_bytes: Of the tier.
        without: Names of key spaces whose pins do not hold.
    """
    if not made:
        return []
    named = {path for pin in made for path in pin.blocks}
    sizes: Mapping[str, int] = {file.path: file.size for file in files if file.path in named}
    room, held, kept = int(PINNED_SHARE * capacity_bytes), set[str](), list[Pin]()
    for pin in made:
        more = {path for path in pin.blocks if path in sizes} - held
        size = sum(sizes[path] for path in more)
        if pin.key_space not in without and size <= room:
            room -= size
            held |= more
            kept.append(pin)
    return kept


def _path(key_space: str, name: str) -> str:
    return f"{key_space}/{_FOLDER}/{name}{_SUFFIX}"


def _records(key_space: str) -> list[str]:
    with contextlib.suppress(FileNotFoundError), os.scandir(f"{key_space}/{_FOLDER}") as entries:
        return [
            entry.path for entry in entries if entry.name.endswith(_SUFFIX) and entry.is_file(follow_symlinks=False)
        ]
    return []


def _read(key_space: str, record: str) -> Pin | None:
    try:
        found = os.stat(record)
        if found.st_size > _MOST_BYTES:
            return None
        blocks = _Record.model_validate_json(Path(record).read_bytes()).blocks
    except (FileNotFoundError, ValidationError):  # taken back meanwhile, or written by somebody else
        return None
    paths = [f"{key_space}/{place(bytes.fromhex(name))}" for name in blocks]
    return Pin(Path(key_space).name, Path(record).stem, found.st_mtime, paths)
