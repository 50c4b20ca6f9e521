"""A lossy codec changes no number of a real KV cache by more than it promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from vllm.v1.kv_offload.base import ReqContext

from cake_engine.store.blockfile import HEADER_BYTES
from tests.engine.conftest import PROMPT
from tests.engine.serving import Server, write_config


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose file tier holds the prompt in 8 bits a number; its memory tier still has what was computed."""
    server = Server(model, cake_config=write_config(tmp_path_factory.mktemp("int8"), codec="Int8", qualityFloor=0))
    server.tokens([PROMPT], 1)
    server.settle()
    yield server
    server.close()


def in_memory(server: Server) -> torch.Tensor:
    """The numbers of the prompt's chunks in the memory tier."""
    primary, context = server.cake.manager.primary_tier, ReqContext("test")
    rows = []
    for key in server.keys:
        chunk = int(primary.prepare_read([key], context).chunk_ids[0])
        row = bytearray(primary.get_kv_memoryview()[chunk : chunk + 1].tobytes())
        rows.append(torch.frombuffer(row, dtype=torch.float32))
        primary.complete_read([key], context)
    return torch.stack(rows)


def test_what_is_loaded_is_near_what_was_computed_and_the_same_each_time(server: Server) -> None:
    server.tune(mode="LoadOnly")
    computed, codec = in_memory(server), server.tier._store._codec
    served, loaded = [], []
    for _ in range(2):
        server.forget()
        served.append(server.tokens([PROMPT]))
        assert server.cached == [1984]
        loaded.append(in_memory(server))

    furthest = (loaded[0] - computed).abs().amax(dim=1)
    assert bool((furthest > 0).all())  # they are those of the files
    assert bool((furthest <= codec.error_bound * computed.abs().amax(dim=1)).all())
    assert torch.equal(loaded[0], loaded[1])
    assert served[0] == served[1]
    assert {file.stat().st_size for file in server.files()} == {HEADER_BYTES + int(codec.ratio * computed[0].nbytes)}
    assert set(server.idle().values()) == {0}
