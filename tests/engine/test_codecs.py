"""A codec that is exact changes no token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import PROMPT, Reference
from tests.engine.serving import Server, write_config


@pytest.fixture(scope="module")
def zstd(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose file tier holds the prompt, compressed."""
    server = Server(model, cake_config=write_config(tmp_path_factory.mktemp("zstd"), codec="Zstd"))
    server.tokens([PROMPT], 1)
    server.settle()
    yield server
    server.close()


@pytest.mark.parametrize("mode", ["LoadOnly", "Adaptive"])
def test_a_prefix_from_a_tier_with_a_codec_gives_the_tokens_of_plain_compute(
    zstd: Server, reference: Reference, mode: str
) -> None:
    zstd.tune(mode=mode)
    zstd.forget()

    assert zstd.tokens([PROMPT]) == [reference.prompt]
    assert mode == "Adaptive" or zstd.cached == [1984]
    assert set(zstd.idle().values()) == {0}


def test_the_files_are_smaller_than_their_blocks_and_the_cost_model_knows(zstd: Server) -> None:
    sizes = [file.stat().st_size for file in zstd.files()]

    assert len(sizes) == 62
    assert max(sizes) < zstd.tier._store.file_bytes
    assert zstd.tier.read_cost.share < 1
