from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from cake_engine.vllm import served_plans
from cake_engine.vllm.active_plan import ActivePlan
from tests.engine.serving import Server, make_model, prompt, write_config

PROMPT = prompt(2000, seed=1)
"""62 full chunks of 32 tokens, and 16 tokens that are never stored."""
EXTENDED = PROMPT[:1500] + prompt(333, seed=9)
SEVERAL = [prompt(900 + 37 * i, seed=100 + i) for i in range(8)]


@dataclass(frozen=True)
class Reference:
    """Greedy tokens of plain compute."""

    prompt: list[int]
    extended: list[int]
    several: list[list[int]]
    several_long: list[list[int]]


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[None]:
    """An engine leaves its size, its tracing and more in the environment, where another one's processes find it."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def reference(model: Path) -> Reference:
    server = Server(model)
    try:
        return Reference(
            prompt=server.tokens([PROMPT])[0],
            extended=server.tokens([EXTENDED])[0],
            several=server.tokens(SEVERAL, 24),
            several_long=server.tokens(SEVERAL, 100),
        )
    finally:
        server.close()


@pytest.fixture(scope="module")
def stocked(model: Path, reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with Cake whose file tier holds all the prompts; what it says while storing is right as well.

    One such server may live at a time, so one a module: vLLM keeps its worker's connector in a global.
    """
    server = Server(model, cake_config=write_config(tmp_path_factory.mktemp("cake")))
    try:
        assert server.tokens([PROMPT]) == [reference.prompt]
        assert server.tokens(SEVERAL, 24) == reference.several
        server.settle()
        yield server
    finally:
        server.close()


@pytest.fixture
def server(stocked: Server) -> Iterator[Server]:
    """The stocked server with empty device and memory caches, poisoned; nothing may be left behind on it."""
    stocked.tune(mode="Adaptive")
    stocked.forget()
    yield stocked
    assert set(stocked.idle().values()) == {0}, stocked.idle()


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> list[ActivePlan]:
    """The plans that ended."""
    ended: list[ActivePlan] = []
    count = served_plans.count_outcome

    def record(stats: object, active: ActivePlan) -> None:
        ended.append(active)
        count(stats, active)

    monkeypatch.setattr(served_plans, "count_outcome", record)
    return ended
