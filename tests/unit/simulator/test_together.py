from __future__ import annotations

from dataclasses import replace

import pytest

from cake_engine.config import LiveConfig, Mode
from cake_operator.api import BalanceSpec
from cake_operator.observe.snapshot import DeploymentSnapshot, Figure, State
from cake_operator.policy.laws import Laws
from cake_simulator.file_tier import TierSpeed
from cake_simulator.policies.static import Static
from cake_simulator.policies.tuning import Balance
from cake_simulator.result import Result
from cake_simulator.serving import Served
from cake_simulator.setup import Setup, TierSetup
from cake_simulator.simulation import simulate, simulate_together
from cake_simulator.trace import Request
from tests.unit.simulator.fleets import BLOCK, request, setup

CHUNK_BYTES = BLOCK * 1000.0
PREFIX = tuple(range(20))


def reader(**changes: object) -> Setup:
    """Loads all that is stored; its memory and its device hold two chunks, so that it asks the claim again."""
    made = setup(mode=Mode.LOAD_ONLY, bandwidth=1e7, kv_tokens=BLOCK * 22, memory_bytes=22 * CHUNK_BYTES)
    return replace(made, **changes)


def twice(apart: float) -> list[Request]:
    """The same prefix, something else that drives it out of device and memory, and the prefix again."""
    tokens = BLOCK * 20 + 1
    return [
        request(0, 0.0, tokens, blocks=PREFIX),
        request(1, apart, tokens),
        request(2, 2 * apart, tokens, blocks=PREFIX),
    ]


def together(*setups: Setup, apart: float = 300.0) -> list[Result]:
    return simulate_together([Served(one, twice(apart), Static(1)) for one in setups])


def test_two_deployments_on_one_claim_divide_its_bandwidth() -> None:
    alone, [first, second] = together(reader())[0], together(reader(), reader())
    read = alone.tier_bytes["shared"][0]
    assert read == first.tier_bytes["shared"][0] > 15 * CHUNK_BYTES
    loading = read / 1e7
    assert first.tally.ttft.sum - alone.tally.ttft.sum == pytest.approx(loading, rel=0.1)
    assert second.tally.ttft.sum == pytest.approx(first.tally.ttft.sum, rel=0.02)


def test_tiers_of_other_names_are_other_volumes() -> None:
    named = [replace(reader(), tiers=(replace(reader().tiers[0], name=name),)) for name in ("a", "b")]
    [alone], [first, _] = together(named[0]), together(*named)
    assert first.tally.ttft.sum == pytest.approx(alone.tally.ttft.sum)


def test_what_one_deployment_has_stored_is_nothing_to_another() -> None:
    asked = [request(0, 0.0, BLOCK * 20 + 1, blocks=PREFIX)], [request(0, 300.0, BLOCK * 20 + 1, blocks=PREFIX)]
    found = simulate_together([Served(reader(), requests, Static(1)) for requests in asked])
    assert [one.tier_bytes["shared"][0] for one in found] == [0.0, 0.0]


def test_a_deployment_whose_requests_have_ended_is_not_paid_for_any_more() -> None:
    short, long = [request(0, 0.0, 100)], [request(0, 3600.0, 100)]
    found = simulate_together([Served(setup(), requests, Static(1)) for requests in (short, long)])
    assert found[0].replica_hours < 0.01
    assert found[1].replica_hours == pytest.approx(1.0, rel=0.01)


def test_one_volume_has_one_speed() -> None:
    slow = replace(reader(), tiers=(TierSetup("shared", TierSpeed(bytes_per_second=1.0), 1e9),))
    with pytest.raises(ValueError, match="shared has 1e\\+07 and 1 bytes per second: it is one volume"):
        together(reader(), slow)


class Once:
    """Writes another live configuration at its first look."""

    def __init__(self) -> None:
        self.generations: list[int] = []

    def live(self, snapshot: DeploymentSnapshot, ready: object, now: float) -> LiveConfig:
        self.generations += set(snapshot.generations.values())
        return LiveConfig(generation=2, mode=Mode.COMPUTE_ONLY)


def test_knobs_reach_the_pods_a_while_after_they_were_written_and_are_confirmed_by_a_scrape_after_that() -> None:
    tuner, made = Once(), replace(reader(), knob_delay=60.0)
    asked = [request(number, 15.0 * number, 100) for number in range(12)]
    found = simulate(made, asked, Static(1), tuner=tuner)
    assert [(at, live.generation) for at, live in found.turned] == [(15.0, 2)]
    # Written at 15 s, at the pods at 75 s, in the scrape of 75 or 90 s, which can be asked for at the look after it.
    assert tuner.generations[:4] == [1, 1, 1, 1]
    assert tuner.generations[-3:] == [2, 2, 2]


def test_writes_that_are_held_back_store_less() -> None:
    capped = replace(reader(), live=LiveConfig(write_bandwidth_bytes_per_second={"shared": 1000.0}))
    free, held = (together(one)[0].tier_bytes["shared"][1] for one in (reader(), capped))
    assert held < free / 2


def test_the_balance_is_asked_as_the_operator_asks_it() -> None:
    law = Laws().tuning
    tuner = Balance(BalanceSpec.model_validate({"bounds": {"retainFrom": {}}}), ["shared"], law)
    met = Figure(0.6, 5.0, State.PRESENT)
    snapshot = DeploymentSnapshot(
        generations={"pod-0": 1}, meeting_point_low=met, meeting_points=Figure(50.0, 5.0, State.PRESENT)
    )
    first = tuner.live(snapshot, ["pod-0"], 15.0)
    assert (first.generation, first.retain_from) == (2, law.retain_up)
    again = tuner.live(snapshot, ["pod-0"], 30.0)
    assert again == first
    assert "waits for pod-0" in tuner.reason
