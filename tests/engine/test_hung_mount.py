"""A file tier on a real mount that stops answering: it costs compute, holds up nobody, and comes back by itself."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cake_engine.vllm import tier as tier_module
from tests.engine.mirror import Mirror
from tests.engine.tiering import HIT, MISS, PENDING, RETRY, Engine, content, key, name

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/fuse").exists(), reason="mounts a file system: needs root and /dev/fuse"
)

DEADLINE_SECONDS = 0.2
READERS, WRITERS = 4, 2
STORED = range(12)
"""More than all readers and those that stand in for them can take at once."""


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    place = tmp_path / "mirror"
    place.mkdir()
    mirror = Mirror(place)
    yield mirror
    mirror.close()


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = tmp_path / "tuning.json"
    path.write_text("{}")
    return path


def store(mirror: Mirror, live: Path) -> None:
    """Put blocks on the mount, by an engine that then ends."""
    writer = Engine(mirror.folder, live)
    try:
        context = writer.request("writer")
        for number in STORED:
            writer.compute(range(number, number + 1), context)
            writer.settle()
    finally:
        writer.close()
    assert len(list(mirror.behind.rglob("*.kv"))) == len(STORED)


def threads(kind: str) -> int:
    return sum(thread.name.startswith(f"cake-{kind}-shared") for thread in threading.enumerate())


def test_reads_and_writes_fail_at_their_deadline_and_are_served_again_once_the_mount_is(
    mirror: Mirror, live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pause in ("_DOUBT_SECONDS", "_SUSPENSION_SECONDS"):
        monkeypatch.setattr(tier_module, pause, DEADLINE_SECONDS)
    store(mirror, live)
    engine = Engine(mirror.folder, live, deadline=DEADLINE_SECONDS)
    context = engine.request("r")
    try:
        engine.until(lambda: {engine.tier.peek(key(n)) for n in STORED} == {HIT})
        mirror.hang()
        assert [engine.manager.lookup(key(n), context) for n in STORED] == [PENDING] * len(STORED)
        engine.settle()

        assert [engine.primary.lookup(key(n), context) for n in STORED] == [MISS] * len(STORED)
        assert engine.tier.take_statistics().fallbacks == {"deadline": len(STORED)}
        assert threads("read") == 2 * READERS, "as many again stand in for those that are held"
        engine.until(lambda: engine.tier.peek(key(100)) is not RETRY)
        assert engine.tier.peek(key(100)) is MISS
        engine.compute(range(50, 58), context)
        engine.settle()
        assert engine.tier.take_statistics().write_skips == {"deadline": 8}

        mirror.come_back()
        engine.until(lambda: (threads("read"), threads("write")) == (READERS, WRITERS))
        engine.until(lambda: engine.load(STORED, context) == [HIT] * len(STORED))
        assert all((engine.block(n, context) == content(n)).all() for n in STORED)
        fresh = itertools.count(60)
        engine.until(lambda: stores(engine, next(fresh), mirror))
    finally:
        mirror.come_back()
        engine.close()


def stores(engine: Engine, number: int, mirror: Mirror) -> bool:
    """Whether a block that is computed now reaches the disk."""
    engine.compute(range(number, number + 1), engine.request(f"r{number}"))
    engine.settle()
    return any(mirror.behind.rglob(f"{name(number)}.kv"))


def test_an_engine_begins_serves_and_ends_on_a_mount_that_hangs(mirror: Mirror, live: Path) -> None:
    store(mirror, live)
    mirror.hang()
    engine = Engine(mirror.folder, live, deadline=DEADLINE_SECONDS)
    try:
        context = engine.request("r")
        assert engine.load(STORED, context) == [MISS] * len(STORED)
        engine.compute(range(50, 54), context)
        engine.settle()
        found = engine.tier.take_statistics()
        assert set(found.fallbacks) == {"lookup_deadline"}
        assert found.write_skips == {"deadline": 4}
    finally:
        engine.close()
        mirror.come_back()
