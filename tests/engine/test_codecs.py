"""A codec that is exact changes no token, and tiers of two codecs stand in for each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import PROMPT, Reference
from tests.engine.serving import Server, write_config


@pytest.fixture(scope="module")
def zstd(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose file tier holds the prompt, compressed, before one that holds it as it is."""
    config = write_config(tmp_path_factory.mktemp("zstd"), codec="Zstd")
    document = json.loads(config.read_text())
    document["tiers"].append(document["tiers"][1] | {"name": "next", "path": f"{config.parent}/next", "codec": "Raw"})
    config.write_text(json.dumps(document))
    server = Server(model, cake_config=config)
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


def test_what_the_first_tier_has_no_more_comes_from_the_next(zstd: Server, reference: Reference) -> None:
    after = zstd.cake.manager.secondary_tiers[1]
    zstd.tune(mode="LoadOnly")
    zstd.forget()
    gone = zstd.remove(range(10, 30))
    try:
        assert zstd.tokens([PROMPT]) == [reference.prompt]
    finally:
        for file, content in gone.items():
            file.write_bytes(content)

    assert after.read_cost.known
    assert set(zstd.idle().values()) == {0}
