"""The two configuration documents: what they accept, and the sentence for what they do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cake_engine.config import (
    MEASURED_QUALITY,
    ConfigError,
    Knobs,
    LiveConfig,
    Mode,
    StaticConfig,
    measured,
    parse,
    read_static,
)

MEMORY = {"name": "memory", "kind": "Memory", "capacityBytes": 1 << 30}
SHARED = {"name": "shared", "kind": "FileSystem", "path": "/var/cake/tiers/shared", "capacityBytes": 1 << 40}


def static(*tiers: dict[str, Any], **fields: Any) -> str:
    return json.dumps({"version": 1, "model": {"name": "chat"}, "tiers": list(tiers or (MEMORY, SHARED)), **fields})


def test_a_static_document_is_what_it_says() -> None:
    config = parse(StaticConfig, static(liveConfig="/etc/cake/live/tuning.json", chunkTokens=256), "engine.json")

    assert config.memory.name == "memory"
    assert [tier.name for tier in config.file_systems] == ["shared"]
    assert (config.live_config, config.chunk_tokens) == ("/etc/cake/live/tuning.json", 256)


@pytest.mark.parametrize("config", [parse(StaticConfig, static(), "x"), LiveConfig(generation=4, retain_from=0.25)])
def test_a_document_reads_back_as_it_was_written(config: StaticConfig | LiveConfig) -> None:
    assert parse(type(config), config.to_json(), "written") == config


def test_a_static_document_without_a_tenant_is_written_as_it_was_before_there_were_any() -> None:
    """The operator rolls all pods when this text changes."""
    fields = json.loads(parse(StaticConfig, static(), "x").to_json())

    assert list(fields) == ["version", "model", "tiers", "liveConfig", "chunkTokens"]
    with_tenant = parse(StaticConfig, static(saltFile="/etc/cake/tenant/salt"), "x")
    assert parse(StaticConfig, with_tenant.to_json(), "x").salt_file == "/etc/cake/tenant/salt"


def test_names_in_files_are_camel_case() -> None:
    assert set(json.loads(LiveConfig().to_json())) == {
        "version",
        "generation",
        "mode",
        "staticMeetingPoint",
        "prefetchShare",
        "loadBandwidthBytesPerSecond",
        "writeBandwidthBytesPerSecond",
        "prefixTokenShare",
        "minimumLoadTokens",
        "retainFrom",
    }


def test_the_tunable_part_carries_neither_mode_nor_generation() -> None:
    assert set(LiveConfig.model_fields) - set(Knobs.model_fields) == {
        "version",
        "generation",
        "mode",
        "static_meeting_point",
        "first_token_seconds",
    }


def test_folders_beside_each_other_are_two() -> None:
    beside = {**SHARED, "name": "b", "path": f"{SHARED['path']}-b"}

    assert len(parse(StaticConfig, static(MEMORY, SHARED, beside), "x").file_systems) == 2


def test_a_document_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        LiveConfig().mode = Mode.LOAD_ONLY  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not JSON"),
        ("[]", "the document: input should be an object"),
        ("{}", "model is missing; tiers is missing"),
        (static(version=2), "version: input should be 1 (found 2)"),
        (static(liveConfgi="/x"), "unknown field liveConfgi (did you mean liveConfig?)"),
        (
            static(zzz=1),
            "unknown field zzz (there are chunkTokens, encryptionKeyFile, liveConfig, model, saltFile, tiers, version)",
        ),
        (static({**MEMORY, "capacityByte": 3}), "unknown field tiers.0.capacityByte (did you mean capacityBytes?)"),
        (static({**MEMORY, "capacityBytes": 0}), "tiers.0.capacityBytes: input should be greater than 0 (found 0)"),
        (static({**MEMORY, "ttlSeconds": 0}), "tiers.0.ttlSeconds: input should be greater than 0 (found 0)"),
        (static({**MEMORY, "name": "Big"}), "tiers.0.name: string should match pattern"),
        (static({**MEMORY, "codec": "Zip"}), "tiers.0.codec: input should be 'Raw'"),
        (static({**MEMORY, "path": "/x"}), 'tier "memory" is Memory and has no folder: remove "path"'),
        (static({**MEMORY, "codec": "Zstd"}), 'tier "memory" is Memory and keeps blocks as they are: remove "codec"'),
        (static(MEMORY, {**SHARED, "codec": "Int8"}), "tokens that must stay the same (at most "),
        *(
            (
                static(MEMORY, {**SHARED, "codec": codec.value, "qualityFloor": 1}),
                f'tier "shared": {measured(codec)}: lower "qualityFloor" to that, or take another codec',
            )
            for codec, share in MEASURED_QUALITY.items()
            if share < 1
        ),
        (
            static(MEMORY, {**SHARED, "codec": "Zstd", "qualityFloor": 0.5}),
            'tier "shared" has the exact codec Zstd: remove "qualityFloor"',
        ),
        (static(MEMORY, {**SHARED, "path": "x"}), 'tier "shared" is a FileSystem: give it "path", an absolute folder'),
        (static(SHARED), "list exactly one tier of kind Memory, and list it first"),
        (static(SHARED, MEMORY), "list exactly one tier of kind Memory, and list it first"),
        (static(MEMORY, MEMORY), "list exactly one tier of kind Memory, and list it first"),
        (static(MEMORY, SHARED, SHARED), 'two tiers are called "shared": give each its own name'),
        (static(MEMORY, SHARED, {**SHARED, "name": "b"}), "two tiers use the folder"),
        (
            static(MEMORY, SHARED, {**SHARED, "name": "b", "path": "/var/cake//tiers/shared/"}),
            "two tiers use the folder",
        ),
        (static(MEMORY, SHARED, {**SHARED, "name": "b", "path": "/var/cake"}), "and none inside another"),
        (static(MEMORY, *({**SHARED, "name": f"s{n}", "path": f"/{n}"} for n in range(8))), "1 to 8 tiers, not 9"),
    ],
)
def test_a_wrong_static_document_is_refused_with_what_to_write(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        parse(StaticConfig, text, "engine.json")

    assert str(refusal.value).startswith("engine.json: ")
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"mode": "Fast"}, "mode: input should be 'Adaptive', 'ComputeOnly', 'LoadOnly' or 'Static' (found 'Fast')"),
        ({"mode": "Static"}, 'mode Static needs "staticMeetingPoint", a fraction from 0 to 1'),
        ({"staticMeetingPoint": 0.5}, '"staticMeetingPoint" is for mode Static: remove it'),
        ({"mode": "Static", "staticMeetingPoint": 1.5}, "staticMeetingPoint: input should be less than or equal to 1"),
        ({"prefetchShare": -0.1}, "prefetchShare: input should be greater than or equal to 0"),
        ({"retainFrom": "NaN"}, "retainFrom: input should be"),
        ({"generation": 0}, "generation: input should be greater than or equal to 1 (found 0)"),
        ({"minimumLoadTokens": -1}, "minimumLoadTokens: input should be greater than or equal to 0 (found -1)"),
        ({"loadBandwidthBytesPerSecond": {"shared": 0}}, "loadBandwidthBytesPerSecond.shared: input should be greater"),
        ({"writeBandwidth": {}}, "unknown field writeBandwidth (did you mean writeBandwidthBytesPerSecond?)"),
    ],
)
def test_a_wrong_live_document_is_refused_with_what_to_write(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        parse(LiveConfig, json.dumps(fields), "tuning.json")

    assert sentence in str(refusal.value)


def test_every_fault_of_a_document_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as refusal:
        parse(LiveConfig, '{"mode": "Fast", "generation": 0, "knob": 1}', "tuning.json")

    assert all(name in str(refusal.value) for name in ("mode", "generation", "knob"))
    assert "\n" not in str(refusal.value)


def test_a_static_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"engine.json: cannot be read \(No such file or directory\)"):
        read_static(tmp_path / "engine.json")
