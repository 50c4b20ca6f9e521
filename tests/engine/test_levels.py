"""One prefix on two tiers in two levels, behind a real engine: the deadline says which of them is loaded."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cake_engine.core.chunk import Chunk
from cake_engine.core.tier_cost import TierCost
from cake_engine.vllm.active_plan import ActivePlan
from tests.engine.conftest import PROMPT, Reference
from tests.engine.serving import Server, write_config

SECONDS = {"shared": 0.02, "coarse": 0.005}
"""What reading a chunk is known to take: what it takes here is not what is tested."""


@pytest.fixture(scope="module")
def levels(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has stored the prompt on two tiers, exactly and in 8 bits a number."""
    config = write_config(tmp_path_factory.mktemp("levels"))
    document = json.loads(config.read_text())
    lossy = {"name": "coarse", "path": f"{config.parent}/coarse", "codec": "Int8", "qualityFloor": 0}
    document["tiers"].append(document["tiers"][1] | lossy)
    config.write_text(json.dumps(document))
    server = Server(model, cake_config=config)
    server.cake.costs.tiers = {name: _known(server.cake.chunk_bytes, taken) for name, taken in SECONDS.items()}
    server.tokens([PROMPT], 1)
    yield server
    server.close()


def _known(chunk_bytes: int, seconds: float) -> TierCost:
    cost = TierCost()
    for read in range(50):
        cost.observe(chunk_bytes, read * seconds, (read + 1) * seconds, busy=True)
    return cost


def serve(server: Server, **live: float) -> list[list[int]]:
    """The prompt's tokens, from tiers that have told what they hold, and beside compute that gets little of a step."""
    server.tune(prefixTokenShare=0.1, **live)
    server.forget()
    for tier in server.cake.manager.secondary_tiers:
        for key in server.tier_keys:
            tier._presence.note(key, True, seconds=600.0)
    return server.tokens([PROMPT])


def loaded(outcomes: list[ActivePlan]) -> Counter[str]:
    """Chunks of the last plan that were loaded, by tier."""
    active = outcomes[-1]
    return Counter(tier for chunk, tier in active.tiers.items() if active.plan[chunk] is Chunk.LOADED)


def test_with_time_to_spare_the_exact_level_is_loaded_and_the_tokens_are_those_of_plain_compute(
    levels: Server, reference: Reference, outcomes: list[ActivePlan]
) -> None:
    assert serve(levels, firstTokenSeconds=600.0) == [reference.prompt]
    assert loaded(outcomes).keys() == {"shared"}
    assert set(levels.idle().values()) == {0}


def test_what_would_come_too_late_is_loaded_in_the_smaller_level(levels: Server, outcomes: list[ActivePlan]) -> None:
    serve(levels, firstTokenSeconds=0.001)

    assert loaded(outcomes)["coarse"] > loaded(outcomes)["shared"]
    assert set(levels.idle().values()) == {0}


def test_without_a_deadline_the_first_tier_is_read(levels: Server, outcomes: list[ActivePlan]) -> None:
    serve(levels)

    assert loaded(outcomes).keys() == {"shared"}


def test_a_level_that_is_not_there_any_more_is_made_good_by_another(
    levels: Server, reference: Reference, outcomes: list[ActivePlan]
) -> None:
    for file in (levels.folder / "coarse").rglob("*.kv"):
        file.unlink()

    assert serve(levels, firstTokenSeconds=0.001) == [reference.prompt]
    assert set(levels.idle().values()) == {0}
