"""Greedy tokens with Cake equal those of plain compute, whatever happens meanwhile."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cake_engine.store import pins
from cake_engine.store.blockfile import HEADER_BYTES, seal
from cake_engine.vllm import prefetch
from cake_engine.vllm.active_plan import ActivePlan
from tests.engine.conftest import EXTENDED, PROMPT, SEVERAL, Reference
from tests.engine.serving import Server

MODES = {
    "ComputeOnly": {"mode": "ComputeOnly"},
    "LoadOnly": {"mode": "LoadOnly"},
    "Adaptive": {"mode": "Adaptive"},
    "Static": {"mode": "Static", "staticMeetingPoint": 0.4},
}
CAPS = {"uncapped": {}, "fast": {"shared": 40e6}, "even": {"shared": 10e6}, "slow": {"shared": 3e6}}
CASES = [(mode, cap) for mode in MODES for cap in CAPS]


@pytest.mark.parametrize(("mode", "cap"), CASES)
def test_one_long_prompt(server: Server, reference: Reference, mode: str, cap: str) -> None:
    server.tune(**MODES[mode], loadBandwidthBytesPerSecond=CAPS[cap])
    assert server.tokens([PROMPT]) == [reference.prompt]


@pytest.mark.parametrize(("mode", "cap"), [case for case in CASES if case[1] in ("uncapped", "fast")])
def test_eight_requests_at_once(server: Server, reference: Reference, mode: str, cap: str) -> None:
    server.tune(**MODES[mode], loadBandwidthBytesPerSecond=CAPS[cap])
    assert server.tokens(SEVERAL, 24) == reference.several


def test_load_only_loads_the_whole_stored_prefix_and_compute_only_none_of_it(server: Server) -> None:
    server.tune(mode="LoadOnly")
    server.tokens([PROMPT])
    assert server.cached == [1984]
    server.forget()
    server.tune(mode="ComputeOnly")
    server.tokens([PROMPT])
    assert server.cached == [0]


def test_static_loads_what_is_behind_its_meeting_point(server: Server) -> None:
    server.tune(**MODES["Static"])
    server.tokens([PROMPT])
    assert server.cached == [1984 - round(0.4 * 62) * 32]


@pytest.mark.parametrize("mode", MODES)
def test_a_shared_prefix_with_a_new_suffix(server: Server, reference: Reference, mode: str) -> None:
    server.tune(**MODES[mode])
    assert server.tokens([EXTENDED]) == [reference.extended]


@pytest.mark.parametrize("mode", MODES)
def test_a_prefix_of_which_the_device_holds_the_head(server: Server, reference: Reference, mode: str) -> None:
    server.tune(mode="ComputeOnly")
    server.tokens([PROMPT[:640]])
    server.tune(**MODES[mode], loadBandwidthBytesPerSecond={"shared": 20e6})
    assert server.tokens([PROMPT]) == [reference.prompt]
    assert server.cached[0] >= 608


@pytest.mark.parametrize("mode", MODES)
def test_the_same_prompt_four_times_at_once(server: Server, reference: Reference, mode: str) -> None:
    server.tune(**MODES[mode], loadBandwidthBytesPerSecond={"shared": 20e6})
    assert server.tokens([PROMPT] * 4) == [reference.prompt] * 4


@pytest.mark.parametrize("mode", MODES)
def test_a_prefix_that_is_still_in_memory(server: Server, reference: Reference, mode: str) -> None:
    server.tune(mode="LoadOnly")
    server.tokens([PROMPT])
    server.settle()
    assert server.llm.reset_prefix_cache()
    server.tune(**MODES[mode], loadBandwidthBytesPerSecond={"shared": 1.0})
    assert server.tokens([PROMPT]) == [reference.prompt]


FAULTS = {
    "flipped bit": lambda file: file.write_bytes(_flip(file.read_bytes())),
    "cut": lambda file: file.write_bytes(file.read_bytes()[:9000]),
    "empty": lambda file: file.write_bytes(b""),
    "gone after the look-up": lambda file: file.unlink(),
}
HOLES = {"one": [50], "the last": [61], "the first": [0], "several": [40, 45, 46, 55], "all": list(range(62))}


def _flip(data: bytes) -> bytes:
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    return bytes(flipped)


@pytest.mark.parametrize("mode", ["LoadOnly", "Adaptive", "Static"])
@pytest.mark.parametrize(
    ("fault", "holes"), [*((fault, "several") for fault in FAULTS), *(("flipped bit", holes) for holes in HOLES)]
)
def test_bad_files_are_computed_around(
    server: Server,
    reference: Reference,
    monkeypatch: pytest.MonkeyPatch,
    *,
    mode: str,
    fault: str,
    holes: str,
) -> None:
    server.tokens([PROMPT])
    files = server.files()
    assert len(files) == 62
    good = {files[chunk]: files[chunk].read_bytes() for chunk in HOLES[holes]}
    server.forget()
    server.tune(**MODES[mode], loadBandwidthBytesPerSecond={"shared": 20e6})
    submit, untouched = server.tier.submit_load, [True]

    def spoil_then_submit(job: object) -> None:
        if untouched.pop() if untouched else False:
            for file in good:
                FAULTS[fault](file)
        submit(job)

    monkeypatch.setattr(server.tier, "submit_load", spoil_then_submit)
    assert server.tokens([PROMPT]) == [reference.prompt]
    server.settle()
    monkeypatch.undo()
    for file, data in good.items():  # chunks that nobody asked for are as bad as before
        file.write_bytes(data)


def test_a_bad_chunk_that_was_found_out_is_on_the_tier_again_afterwards(server: Server) -> None:
    server.tokens([PROMPT])
    file = server.files()[50]
    good = file.read_bytes()
    server.forget()
    file.write_bytes(_flip(good))
    server.tune(mode="LoadOnly")
    server.tokens([PROMPT])
    server.settle()
    assert file.read_bytes() == good


MISSING = {
    "the first": [0],
    "the head": list(range(25)),
    "all but the end": list(range(58)),
    "a run in the middle": list(range(20, 40)),
    "several": [3, 17, 18, 45],
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("missing", MISSING)
def test_what_no_tier_holds_is_computed_and_what_is_behind_it_is_loaded(
    server: Server,
    reference: Reference,
    outcomes: list[ActivePlan],
    monkeypatch: pytest.MonkeyPatch,
    *,
    mode: str,
    missing: str,
) -> None:
    monkeypatch.setattr(prefetch, "PATIENCE_SECONDS", 120.0)
    server.tokens([PROMPT])
    server.forget()
    gone = server.remove(MISSING[missing])
    server.tune(**MODES[mode])
    del outcomes[:]

    assert server.tokens([PROMPT]) == [reference.prompt]

    (outcome,) = [active.plan.outcome() for active in outcomes]
    computed = set(MISSING[missing]) | set(range(round(0.4 * 62)) if mode == "Static" else ())
    if mode in ("LoadOnly", "Static"):
        assert (outcome.computed, outcome.loaded) == (len(computed), 62 - len(computed))
    assert outcome.lost == 0
    server.settle()
    assert [file.name for file in gone if not file.exists()] == [], "what was computed is not on the tier again"
    for file, data in gone.items():
        file.write_bytes(data)


def test_wrong_data_with_a_right_checksum_changes_the_output_so_loaded_kv_is_really_used(
    server: Server, reference: Reference
) -> None:
    server.tokens([PROMPT])
    saved = {file: file.read_bytes() for file in server.files()}
    store = server.tier._store
    for key, (file, data) in list(zip(server.tier_keys, saved.items(), strict=False))[30:]:
        zeroed = bytearray(data[:HEADER_BYTES] + bytes(len(data) - HEADER_BYTES))
        seal(
            memoryview(zeroed),
            codec=store._codec.identifier,
            fingerprint=store._fingerprint.digest,
            key=key,
            position=0,
        )
        file.write_bytes(zeroed)
    server.forget()
    server.tune(mode="LoadOnly")
    assert server.tokens([PROMPT]) != [reference.prompt]
    for file, data in saved.items():
        file.write_bytes(data)
    server.forget()
    assert server.tokens([PROMPT]) == [reference.prompt]


@pytest.mark.parametrize("before", MODES)
@pytest.mark.parametrize("after", MODES)
def test_the_mode_is_switched_while_the_request_is_served(
    server: Server, reference: Reference, before: str, after: str
) -> None:
    server.tune(**MODES[before], loadBandwidthBytesPerSecond={"shared": 10e6})
    request = server.begin(PROMPT)
    server.step_until(lambda: request in server.cake._active and server.cake._active[request].blocks is not None)
    for _ in range(3):
        server.step()
    server.tune(**MODES[after], loadBandwidthBytesPerSecond={"shared": 10e6})
    assert server.finish() == [reference.prompt]


@pytest.mark.parametrize("mode", MODES)
def test_a_request_is_aborted_in_the_middle(server: Server, reference: Reference, mode: str) -> None:
    server.tune(**MODES[mode], loadBandwidthBytesPerSecond={"shared": 10e6})
    request = server.begin(PROMPT)
    server.step_until(lambda: request in server.cake._active and server.cake._active[request].blocks is not None)
    server.llm.llm_engine.abort_request([request], internal=True)
    server.tune(mode="Adaptive")
    assert server.tokens(SEVERAL, 24) == reference.several


@pytest.mark.parametrize("mode", MODES)
def test_all_caches_are_reset_in_the_middle(server: Server, reference: Reference, mode: str) -> None:
    server.tune(**MODES[mode], loadBandwidthBytesPerSecond={"shared": 10e6})
    request = server.begin(PROMPT)
    server.step_until(lambda: request in server.cake._active and server.cake._active[request].blocks is not None)
    server.step()
    assert server.scheduler.reset_prefix_cache(reset_running_requests=True, reset_connector=True)
    server.poison()
    assert server.finish() == [reference.prompt]


def test_a_request_that_names_a_pin_has_the_full_chunks_of_its_prompt_pinned(server: Server) -> None:
    tier, parameters = server.folder / "tier", server.parameters(4)
    for name in ("../no name", "system"):
        parameters.extra_args = {"kv_transfer_params": {"cake_pin": name}}
        server.llm.generate([{"prompt_token_ids": PROMPT}], parameters, use_tqdm=False)
    server.step_until(lambda: bool(pins.pins(tier)))
    (pin,) = pins.pins(tier)
    assert (pin.name, [Path(path) for path in pin.blocks]) == ("system", server.files())


def test_files_that_vanish_altogether_mean_plain_compute(server: Server, reference: Reference) -> None:
    tier = Path(server.folder / "tier")
    kept = tier.with_name("kept")
    shutil.copytree(tier, kept)
    for file in server.folder.glob("tier/**/*"):
        if file.is_file():
            file.unlink()
    server.tune(mode="LoadOnly")
    assert server.tokens([PROMPT]) == [reference.prompt]
    server.settle()
    shutil.copytree(kept, tier, dirs_exist_ok=True)
    shutil.rmtree(kept)
