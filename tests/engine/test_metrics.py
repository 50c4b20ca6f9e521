"""Cake's figures on the endpoint that vLLM's server exposes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from cake_engine.core import metrics
from tests.engine.conftest import PROMPT
from tests.engine.serving import Server, write_config, write_live
from tests.unit.dashboards.queries import asked_for, whole


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = write_config(tmp_path_factory.mktemp("metrics"), memory_chunks=80)
    server = Server(model, cake_config=config, disable_log_stats=False)
    for end in range(600, 2001, 200):  # so small a memory lets 20 chunks wait for a slow writer, and skips the others
        server.tokens([PROMPT[:end]])
        server.settle()
    yield server
    server.close()


def value(name: str, **labels: str) -> float:
    """A sample of the only engine; 0 where there is none, as a counter starts."""
    found = [
        sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return sum(found)


def until(condition: Callable[[], bool]) -> None:
    """Ask again until it is so; the live file is looked at four times a second."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def served(server: Server, **live: object) -> None:
    server.tune(**live)
    server.forget()
    server.llm.generate([{"prompt_token_ids": PROMPT}], server.parameters(4), use_tqdm=False)
    server.settle()


def test_prefix_tokens_are_counted_by_how_they_came(server: Server) -> None:
    def counts() -> tuple[float, ...]:
        loaded = value(metrics.PREFIX_TOKENS, outcome="loaded", tier="shared")
        return loaded, value(metrics.PREFIX_TOKENS, outcome="computed")

    before = counts()
    served(server, mode="LoadOnly")
    assert (counts()[0] - before[0], counts()[1] - before[1]) == (1984, 0)
    served(server, mode="ComputeOnly")
    assert (counts()[0] - before[0], counts()[1] - before[1]) == (1984, 1984)
    served(server, mode="Static", staticMeetingPoint=0.5)
    assert (counts()[0] - before[0], counts()[1] - before[1]) == (1984 + 992, 1984 + 992)


def test_the_meeting_point_is_the_computed_part_of_the_prefix(server: Server) -> None:
    total, count = f"{metrics.MEETING_POINT}_sum", f"{metrics.MEETING_POINT}_count"
    kinds = ("actual", "chosen")  # the same where all of the prefix is stored
    before = [(value(total, kind=kind), value(count, kind=kind)) for kind in kinds]
    served(server, mode="Static", staticMeetingPoint=0.25)
    for kind, (sum_before, count_before) in zip(kinds, before, strict=True):
        assert value(count, kind=kind) - count_before == 1
        assert value(total, kind=kind) - sum_before == pytest.approx(round(0.25 * 62) / 62)


def test_bytes_of_every_tier_and_the_offered_work_are_counted(server: Server) -> None:
    names = [
        (metrics.TIER_READ_BYTES, {"tier": "shared"}),
        (metrics.TIER_READ_BYTES, {"tier": "memory"}),
        (f"{metrics.TIER_READ_SECONDS}_count", {"tier": "shared"}),
        (metrics.OFFERED_LOAD, {}),
        (metrics.OFFERED_COMPUTE, {}),
        (metrics.STALLS, {}),
        (metrics.SPARED_COMPUTE, {}),
    ]
    before = [value(name, **labels) for name, labels in names]
    served(server, mode="LoadOnly")
    grown = [value(name, **labels) - old for (name, labels), old in zip(names, before, strict=True)]
    assert grown[0] == pytest.approx(62 * 65536, rel=0.1)
    assert grown[1] == 62 * 65536
    assert grown[2] == 62
    assert grown[3] == 62 * 65536
    assert grown[4] > 0
    assert grown[5] > 0
    assert grown[6] > 0
    assert value(metrics.TIER_WRITE_BYTES, tier="shared") > 62 * 65536
    assert value(metrics.TIER_CAPACITY, tier="memory") == 80 * 65536
    assert 62 * 65536 <= value(metrics.TIER_USED, tier="memory") <= 80 * 65536


@pytest.mark.usefixtures("server")
def test_an_engine_has_every_series_that_a_dashboard_or_a_rule_names_but_for_the_operators_and_the_recorded() -> None:
    own = {name for name in asked_for() if not name.startswith(("cake_operator_", "cake:"))}
    assert any(name.startswith("vllm:") for name in own)
    assert own - {whole(family.name) for family in REGISTRY.collect()} == set()


def test_vllms_own_offload_figures_are_still_there(server: Server) -> None:
    served(server, mode="LoadOnly")
    assert value("vllm:kv_offload_load_bytes_total") > 0
    assert value("vllm:kv_offload_tiering_read_bytes_total", tier="1:shared") > 0


def test_an_idle_engine_reports_the_configuration_in_force(server: Server) -> None:
    server._generation += 1
    write_live(
        server.folder, server._generation, mode="LoadOnly", retainFrom=0.25, loadBandwidthBytesPerSecond={"shared": 5e6}
    )
    until(lambda: value(metrics.CONFIG_GENERATION) == server._generation)
    assert (value(metrics.MODE, mode="LoadOnly"), value(metrics.MODE, mode="Adaptive")) == (1, 0)
    assert value(metrics.KNOB, knob="retainFrom") == 0.25
    assert value(metrics.KNOB, knob="loadBandwidth", tier="shared") == 5e6
    assert math.isinf(value(metrics.KNOB, knob="writeBandwidth", tier="shared"))


def test_a_bad_configuration_is_counted_and_changes_nothing(server: Server) -> None:
    server.tune(mode="ComputeOnly")
    rejects, generation = value(metrics.CONFIG_REJECTS), server._generation
    until(lambda: value(metrics.CONFIG_GENERATION) == generation)
    write_live(server.folder, generation + 1, mode="Fastest")
    until(lambda: value(metrics.CONFIG_REJECTS) > rejects)
    assert value(metrics.CONFIG_GENERATION) == generation
    assert value(metrics.MODE, mode="ComputeOnly") == 1
