"""Exactness where the memory tier holds a fraction of one prefix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import PROMPT, SEVERAL, Reference
from tests.engine.serving import Server, write_config


@pytest.fixture(scope="module", params=[4, 24], ids=["4 chunks", "24 chunks"])
def small_memory(
    request: pytest.FixtureRequest, model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A memory tier that holds a fraction of one prefix."""
    config = write_config(tmp_path_factory.mktemp("memory"), memory_chunks=request.param)
    server = Server(model, cake_config=config)
    for prompt in [PROMPT, *SEVERAL] * 2:
        server.tokens([prompt], 1)
        server.settle()
    yield server
    server.close()


@pytest.mark.parametrize("mode", ["LoadOnly", "Adaptive", "Static"])
def test_a_prefix_goes_through_a_memory_tier_that_is_smaller_than_it(
    small_memory: Server, reference: Reference, mode: str
) -> None:
    small_memory.tune(mode=mode, **({"staticMeetingPoint": 0.5} if mode == "Static" else {}))
    small_memory.forget()
    assert small_memory.tokens([PROMPT]) == [reference.prompt]
    small_memory.forget()
    assert small_memory.tokens(SEVERAL, 24) == reference.several
    assert set(small_memory.idle().values()) == {0}


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_requests_that_wait_for_a_seat_leave_memory_to_those_that_run(
    small_memory: Server, reference: Reference, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(small_memory.scheduler, "max_num_active_reqs", 2)
    small_memory.tune(mode="LoadOnly", prefetchShare=share)
    small_memory.forget()
    assert small_memory.tokens(SEVERAL, 24) == reference.several
    assert set(small_memory.idle().values()) == {0}


def test_the_memory_of_an_engine_has_no_name_while_it_serves_and_so_goes_with_it_however_it_ends(
    small_memory: Server,
) -> None:
    """As the kernel tells of it: the scheduler's view and the worker's are of one file, which no folder has."""
    mapped = [line.split(maxsplit=5) for line in Path("/proc/self/maps").read_text().splitlines()]
    tiers = [(inode, name) for *_, inode, name in (line for line in mapped if len(line) == 6) if "vllm_offload" in name]
    assert len(tiers) >= 2
    assert len({inode for inode, _ in tiers}) == 1
    assert all(name.endswith("(deleted)") for _, name in tiers)
    assert small_memory.tokens([PROMPT])
