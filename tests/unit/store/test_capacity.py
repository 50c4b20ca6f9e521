"""Capacity is a promise: four engines of two tenants, as processes, write one tier far beyond it, and die meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.store.fleet import CAPACITY, Fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path / "tier")
    yield fleet
    fleet.close()


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def watch(fleet: Fleet, looks: int) -> list[int]:
    seen = []
    for _ in range(looks):
        time.sleep(0.02)
        seen.append(fleet.bytes_now())
    return seen


def test_four_engines_never_pass_the_capacity_though_collector_and_writers_are_killed(fleet: Fleet) -> None:
    until(lambda: fleet.bytes_now() > 0.85 * CAPACITY)
    seen = watch(fleet, 30)
    for _ in range(3):
        fleet.kill(fleet.collector())
        fleet.add()
        then = time.time()
        until(lambda then=then: fleet.newest() > then)
        seen += watch(fleet, 20)

    assert max(seen) <= CAPACITY
    assert min(seen) >= 0.5 * CAPACITY, "room that is never used is no capacity"


def test_after_the_collector_died_another_makes_room(fleet: Fleet) -> None:
    until(lambda: fleet.bytes_now() > 0.85 * CAPACITY)
    first = fleet.collector()
    fleet.kill(first)
    blocks = set(fleet.root.rglob("*.kv"))

    until(lambda: not blocks & set(fleet.root.rglob("*.kv")))  # all that was there has made room for others

    assert fleet.collector() is not first
    assert fleet.bytes_now() <= CAPACITY
