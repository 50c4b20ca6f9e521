"""A file tier on a real volume that gets full, or is mounted read-only: counted, and served on from what there is."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cake_engine.store import blocks
from tests.engine.tiering import CHUNK_BYTES, HIT, Engine, key

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system: needs root")

VOLUME_BYTES = 16 * CHUNK_BYTES
STORED = range(4)


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """A small one of memory."""
    folder = tmp_path / "volume"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={VOLUME_BYTES}", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def make(volume: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Engine]]:
    """Makes an engine, after the end of the one before, which has files open to be written."""
    monkeypatch.setattr(blocks, "_PAUSE_SECONDS", 0.0)
    live = tmp_path / "tuning.json"
    live.write_text("{}")
    ends = ExitStack()

    def engine(before: Callable[[], None] = lambda: None) -> Engine:
        ends.close()
        before()
        made = Engine(volume, live)
        ends.callback(made.close)
        return made

    with ends:
        yield engine


def stocked(engine: Engine) -> Engine:
    """With blocks on the volume alone, and books that say so."""
    engine.compute(STORED, engine.request("w"))
    engine.settle()
    engine.until(lambda: engine.tier._store._keeper._allowance.unreported == 0)
    engine.tier.take_statistics()
    engine.manager.reset_cache()
    return engine


def serves_and_counts(engine: Engine, fault: str) -> None:
    context = engine.request("r")
    assert engine.load(STORED, context) == [HIT] * len(STORED)
    engine.compute(range(20, 22), context)
    engine.settle()
    assert engine.tier.take_statistics().write_skips == {fault: 2}


def stores_again(engine: Engine) -> None:
    numbers = itertools.count(30)

    def stored() -> bool:
        number = next(numbers)
        engine.compute(range(number, number + 1), engine.request(f"r{number}"))
        engine.settle()
        return engine.tier.peek(key(number)) is HIT

    engine.until(stored)


def test_a_volume_that_others_have_filled(volume: Path, make: Callable[..., Engine]) -> None:
    engine = stocked(make())
    theirs = volume / "theirs"
    with theirs.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))

    serves_and_counts(engine, "no_space")
    theirs.unlink()
    stores_again(engine)


def test_a_volume_that_is_mounted_read_only(volume: Path, make: Callable[..., Engine]) -> None:
    stocked(make())
    engine = make(before=lambda: remount(volume, "ro"))
    serves_and_counts(engine, "denied")
    remount(volume, "rw")
    stores_again(engine)


def remount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", folder], check=True)
