"""Our file tier behind vLLM's real tiering manager and memory tier, without a model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from vllm.v1.kv_offload.config import OffloadingGroupConfig, OffloadingModelConfig

from cake_engine.config import CodecName, ModelIdentity, TierConfig, TierKind
from cake_engine.live import LiveConfigFile
from cake_engine.vllm.key_space import fingerprint
from cake_engine.vllm.pages import CONFIG_KEY, Page
from cake_engine.vllm.tier import CakeFileTier
from tests.engine.tiering import (
    CHUNK_BYTES,
    CHUNKS,
    HIT,
    MISS,
    PENDING,
    RETRY,
    Engine,
    content,
    key,
    name,
    offloading_config,
)


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = tmp_path / "tuning.json"
    path.write_text("{}")
    return path


@pytest.fixture
def make(tmp_path: Path, live: Path) -> Iterator[Callable[..., Engine]]:
    made: list[Engine] = []

    def engine(**settings: Any) -> Engine:
        made.append(Engine(tmp_path / "kv", live, **settings))
        return made[-1]

    yield engine
    for one in made:
        one.close()


def stored(make: Callable[..., Engine], numbers: range) -> Engine:
    """An engine that finds these blocks on the file tier, and none in memory."""
    writer = make()
    context = writer.request("writer")
    for number in numbers:
        writer.compute(range(number, number + 1), context)
        writer.settle()
    return make()


def test_blocks_of_one_engine_are_loaded_by_another_byte_for_byte(make: Callable[..., Engine]) -> None:
    engine = stored(make, range(8))
    context = engine.request("r")

    assert engine.load(range(8), context) == [HIT] * 8
    assert all((engine.block(n, context) == content(n)).all() for n in range(8))


def test_what_nobody_stored_is_a_miss(make: Callable[..., Engine]) -> None:
    engine = make()

    assert engine.found(1, engine.request("r")) is MISS


def test_a_look_up_returns_at_once_and_knows_a_step_later(make: Callable[..., Engine]) -> None:
    engine = stored(make, range(1))
    context = engine.request("r")

    assert engine.manager.lookup(key(0), context) is RETRY
    assert engine.found(0, context) is PENDING


def test_a_block_just_stored_is_known_without_a_look_up(make: Callable[..., Engine]) -> None:
    engine = make()
    engine.compute(range(1), engine.request("r"))
    engine.settle()

    assert engine.tier.peek(key(0)) is HIT


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.unlink(), "missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "truncated"),
        (lambda path: path.write_bytes(bytes(path.stat().st_size)), "fingerprint"),
        (
            lambda path: path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1])),
            "checksum",
        ),
    ],
    ids=["deleted", "cut", "zeroed", "flipped"],
)
def test_a_bad_file_never_becomes_ready_in_memory(
    make: Callable[..., Engine], tmp_path: Path, damage: Callable[[Path], object], reason: str
) -> None:
    engine = stored(make, range(4))
    (path,) = (tmp_path / "kv").rglob(f"{name(2)}.kv")
    context = engine.request("r")
    for number in range(4):
        engine.until(lambda number=number: engine.tier.peek(key(number)) is HIT)
    damage(path)

    assert engine.load(range(4), context) == [HIT, HIT, MISS, HIT]
    assert engine.tier.take_statistics().rejects == {reason: 1}
    assert not path.exists()
    assert engine.tier.peek(key(2)) is MISS


def test_a_failed_block_of_a_job_leaves_its_others_ready(make: Callable[..., Engine], tmp_path: Path) -> None:
    engine = stored(make, range(4))
    context = engine.request("r")
    for number in range(4):
        engine.until(lambda number=number: engine.tier.peek(key(number)) is HIT)
    next((tmp_path / "kv").rglob(f"{name(3)}.kv")).unlink()
    for number in range(4):
        assert engine.manager.lookup(key(number), context) is PENDING  # one job of four blocks
    engine.settle()

    assert [engine.primary.lookup(key(n), context) for n in range(4)] == [HIT, HIT, HIT, MISS]


def test_reads_that_wait_are_taken_back_and_may_be_asked_again(make: Callable[..., Engine]) -> None:
    engine = stored(make, range(8))
    engine.configure(loadBandwidthBytesPerSecond={"shared": 10.0})
    context = engine.request("r")
    for number in range(8):
        assert engine.found(number, context) is PENDING
    engine.step()

    assert engine.tier.cancel("another") == 0
    assert engine.tier.cancel("r") == 8
    engine.settle()
    assert engine.tier.take_statistics().cancels == 8
    assert [engine.tier.peek(key(n)) for n in range(8)] == [HIT] * 8

    engine.configure()
    assert engine.load(range(8), context) == [HIT] * 8


def test_loads_keep_to_the_live_cap_and_follow_its_change(make: Callable[..., Engine]) -> None:
    engine = stored(make, range(12))
    rate = 2 * CHUNK_BYTES
    engine.configure(loadBandwidthBytesPerSecond={"shared": rate})
    context = engine.request("r")

    started = time.monotonic()
    assert engine.load(range(6), context) == [HIT] * 6
    capped = time.monotonic() - started
    assert capped >= 6 * CHUNK_BYTES / rate - 0.1
    assert (engine.tier.read_rate or 0) <= 1.1 * rate

    engine.configure()
    started = time.monotonic()
    assert engine.load(range(6, 12), context) == [HIT] * 6
    assert time.monotonic() - started < capped


def test_writes_that_would_hold_too_much_memory_are_refused_and_memory_is_free_again(
    make: Callable[..., Engine], tmp_path: Path
) -> None:
    engine = make()
    engine.configure(writeBandwidthBytesPerSecond={"shared": 1.0})
    context = engine.request("r")
    for first in range(0, 16, 6):
        engine.compute(range(first, min(first + 6, 16)), context)
    engine.configure()
    engine.settle()

    assert engine.tier.take_statistics().write_skips == {"queue_full": 8}
    assert {path.stem for path in (tmp_path / "kv").rglob("*.kv")} == {name(n) for n in range(8)}
    engine.compute(range(100, 100 + CHUNKS // 4), context)  # fails where chunks stayed pinned


def test_engines_of_another_revision_or_parallelism_share_no_block(make: Callable[..., Engine], tmp_path: Path) -> None:
    writer = make(revision="r1")
    writer.compute(range(1), writer.request("w"))
    writer.settle()
    same, other = make(revision="r1"), make(revision="r2")
    assert same.found(0, same.request("r")) is PENDING
    assert other.found(0, other.request("r")) is MISS

    tier = TierConfig(name="shared", kind=TierKind.FILE_SYSTEM, path="/kv", capacity_bytes=1)
    model = ModelIdentity(name="tiny", revision="r1")
    one = fingerprint(offloading_config(), CHUNK_BYTES, model, tier)
    layers = replace(offloading_config(), groups=(OffloadingGroupConfig(32, ("layer.0",), 0),))
    others = [
        fingerprint(offloading_config(tp_size=2, world_size=2), CHUNK_BYTES, model, tier),
        fingerprint(layers, CHUNK_BYTES, model, tier),
        fingerprint(
            replace(offloading_config(), model=OffloadingModelConfig("x", "float16")), CHUNK_BYTES, model, tier
        ),
        *(
            fingerprint(replace(offloading_config(), extra_config={CONFIG_KEY: page}), CHUNK_BYTES, model, tier)
            for page in (Page("cpu-amx", "bfloat16", 8192, 2), Page("cpu-vec", "bfloat16", 8192, 2))
        ),
    ]
    assert len({one.folder, *(fp.folder for fp in others)}) == 6


def test_a_lossy_codec_for_pages_that_it_cannot_read_is_refused_with_what_to_write(live: Path, tmp_path: Path) -> None:
    page = Page("cpu-amx", "bfloat16", 8192, 2, unreadable="its attention keeps no keys and values")
    tier = TierConfig(
        name="shared",
        kind=TierKind.FILE_SYSTEM,
        path=str(tmp_path / "kv"),
        capacity_bytes=1 << 30,
        codec=CodecName.INT8,
        quality_floor=0.0,
    )
    with pytest.raises(
        ValueError, match=r'shared" cannot have the codec Int8 .* keeps no keys and values. Write "codec"'
    ):
        CakeFileTier(
            SimpleNamespace(config=replace(offloading_config(), extra_config={CONFIG_KEY: page})),
            memoryview(bytearray(4 * CHUNK_BYTES)).cast("B", (4, CHUNK_BYTES)),
            "shared",
            tier=tier,
            model=ModelIdentity(name="tiny"),
            live=LiveConfigFile(live),
        )


def test_a_read_that_hangs_fails_at_its_deadline_and_never_reaches_reused_memory(
    make: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(make, range(1))
    engine = make(deadline=0.05)
    context = engine.request("r")
    gate, entered = threading.Event(), threading.Event()
    read = engine.tier._store._directory.read

    def hang(*arguments: Any) -> memoryview:
        entered.set()
        assert gate.wait(120)
        return read(*arguments)

    monkeypatch.setattr(engine.tier._store._directory, "read", hang)
    try:
        assert engine.found(0, context) is PENDING
        engine.step()
        assert entered.wait(120)
        engine.settle()
        assert engine.primary.lookup(key(0), context) is MISS
        assert engine.tier.take_statistics().fallbacks == {"deadline": 1}
        assert engine.tier.peek(key(0)) is MISS
        engine.compute(range(50, 50 + CHUNKS), context)
        before = engine.rows.copy()
    finally:
        gate.set()
    engine.tier.drain_jobs()

    assert (engine.rows == before).all()


def test_a_reset_waits_for_no_queue_and_leaves_nothing_in_flight(make: Callable[..., Engine]) -> None:
    engine = stored(make, range(8))
    engine.configure(loadBandwidthBytesPerSecond={"shared": 10.0})
    context = engine.request("r")
    for number in range(8):
        engine.found(number, context)
    engine.step()

    started = time.monotonic()
    engine.manager.reset_cache()

    assert time.monotonic() - started < 60
    assert engine.tier._reads.depth == 0


def test_a_tier_that_ended_lets_go_of_the_memory(make: Callable[..., Engine]) -> None:
    engine = stored(make, range(2))
    engine.load(range(2), engine.request("r"))

    engine.tier.shutdown()

    engine.primary.get_kv_memoryview().release()  # raises BufferError while anything holds it


def test_what_the_tier_did_is_counted_once(make: Callable[..., Engine]) -> None:
    engine = stored(make, range(4))
    engine.load(range(4), engine.request("r"))
    first, second = engine.tier.take_statistics(), engine.tier.take_statistics()

    assert first.read_bytes == 4 * (CHUNK_BYTES + 4096)
    assert len(first.read_seconds) == 4
    assert first.capacity_bytes == 1 << 30
    assert (second.read_bytes, second.read_seconds) == (0, ())
