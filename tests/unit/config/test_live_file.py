"""The live configuration file: seen when it changes, refused whole when bad."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from cake_engine.config import LiveConfig, Mode, StaticConfig
from cake_engine.live import LiveConfigFile


class Clock:
    """Seconds that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class ConfigMapFolder:
    """A mounted ConfigMap as the kubelet publishes it: a new dated folder, then `..data` swapped to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "tuning.json"
        self._published = 0

    def publish(self, content: str) -> None:
        self._published += 1
        dated = self.folder / f"..2026_{self._published}"
        dated.mkdir()
        (dated / "tuning.json").write_text(content)
        swap = self.folder / "..data_tmp"
        swap.symlink_to(dated.name)
        os.rename(swap, self.folder / "..data")
        if not self.file.is_symlink():
            self.file.symlink_to("..data/tuning.json")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mounted(tmp_path: Path) -> ConfigMapFolder:
    return ConfigMapFolder(tmp_path)


def tuning(**fields: Any) -> str:
    return json.dumps({"version": 1, **fields})


def test_without_a_file_the_defaults_hold() -> None:
    live = LiveConfigFile(None)

    assert live.current == LiveConfig()
    assert (live.generation, live.rejects) == (1, 0)


def test_a_swapped_config_map_is_seen_within_the_interval(mounted: ConfigMapFolder, clock: Clock) -> None:
    mounted.publish(tuning(generation=1))
    live = LiveConfigFile(mounted.file, clock=clock, interval_seconds=1.0)
    assert live.generation == 1

    mounted.publish(tuning(generation=2, mode="LoadOnly"))
    clock.now += 0.9
    assert live.generation == 1
    clock.now += 0.2

    assert (live.generation, live.current.mode) == (2, Mode.LOAD_ONLY)


def test_a_file_changed_in_place_is_seen(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "tuning.json"
    file.write_text(tuning(generation=1))
    live = LiveConfigFile(file, clock=clock)
    assert live.generation == 1

    file.write_text(tuning(generation=22))
    clock.now += 1

    assert live.generation == 22


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "",
        tuning(generation=7, mode="Fast"),
        tuning(generation=7, knob=1),
        tuning(generation=7, loadBandwidthBytesPerSecond={"nowhere": 1e9}),
    ],
)
def test_a_bad_content_changes_nothing_and_is_counted_and_logged_once(
    mounted: ConfigMapFolder, clock: Clock, caplog: pytest.LogCaptureFixture, bad: str
) -> None:
    good = LiveConfig(generation=3, prefetch_share=0.125)
    mounted.publish(good.to_json())
    live = LiveConfigFile(mounted.file, clock=clock, tiers=["memory", "shared"])
    assert live.current == good

    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            mounted.publish(bad)
            clock.now += 1
            assert live.current == good

    assert (live.generation, live.rejects, len(caplog.records)) == (3, 1, 1)
    assert "generation 3 stays in force" in caplog.text


def test_a_good_content_after_a_bad_one_is_taken(mounted: ConfigMapFolder, clock: Clock) -> None:
    mounted.publish("{")
    live = LiveConfigFile(mounted.file, clock=clock)
    assert (live.current, live.generation) == (LiveConfig(), 0)

    mounted.publish(tuning(generation=5))
    clock.now += 1

    assert (live.generation, live.rejects) == (5, 1)


def test_a_file_that_is_not_there_yet_reports_no_generation(mounted: ConfigMapFolder, clock: Clock) -> None:
    live = LiveConfigFile(mounted.file, clock=clock)
    assert (live.current, live.generation, live.rejects) == (LiveConfig(), 0, 1)

    mounted.publish(tuning(generation=9))
    clock.now += 1

    assert live.generation == 9


def test_a_file_that_disappears_keeps_the_last_good_content(mounted: ConfigMapFolder, clock: Clock) -> None:
    mounted.publish(tuning(generation=2))
    live = LiveConfigFile(mounted.file, clock=clock)
    assert live.generation == 2

    mounted.file.unlink()
    clock.now += 1

    assert (live.generation, live.rejects) == (2, 1)


def test_an_unchanged_file_is_read_once(
    mounted: ConfigMapFolder, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted.publish(tuning(generation=2))
    live = LiveConfigFile(mounted.file, clock=clock)
    reads: list[Path] = []
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: (reads.append(self), read_bytes(self))[1])

    for _ in range(100):
        clock.now += 1
        assert live.generation == 2

    assert len(reads) == 1


def test_bandwidths_may_name_only_the_tiers_of_the_static_configuration(tmp_path: Path) -> None:
    file = tmp_path / "tuning.json"
    file.write_text(tuning(generation=2, writeBandwidthBytesPerSecond={"shared": 1e8}))
    memory = {"name": "memory", "kind": "Memory", "capacityBytes": 1}
    shared = {"name": "shared", "kind": "FileSystem", "capacityBytes": 1, "path": "/kv"}

    def generation(*tiers: dict[str, Any]) -> int:
        document = {"model": {"name": "chat"}, "tiers": tiers, "liveConfig": str(file)}
        return LiveConfigFile.of(StaticConfig.model_validate(document)).generation

    assert generation(memory, shared) == 2
    assert generation(memory) == 0
