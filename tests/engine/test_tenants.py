"""Two tenants on one folder, encrypted, through real vLLM: equal prompts, equal tokens, nothing in common."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cake_engine.config import ConfigError
from tests.engine.conftest import PROMPT, Reference
from tests.engine.serving import Server, write_config


def of_tenant(folder: Path, salt: bytes, tier: Path) -> Path:
    """The configuration of an engine with that salt, its files in `tier`."""
    folder.mkdir()
    config = write_config(folder)
    (folder / "salt").write_bytes(salt)
    secrets = {"saltFile": str(folder / "salt"), "encryptionKeyFile": str(folder / "salt")}
    static = json.loads(config.read_text()) | secrets
    static["tiers"][1]["path"] = str(tier)
    config.write_text(json.dumps(static))
    return config


def test_a_tenant_finds_its_own_prefix_again_and_none_of_another(
    model: Path, reference: Reference, tmp_path: Path
) -> None:
    tier, found = tmp_path / "shared", []
    for name in ("search", "legal"):
        server = Server(model, cake_config=of_tenant(tmp_path / name, name.encode() * 8, tier))
        try:
            server.tune(mode="LoadOnly")
            first = server.tokens([PROMPT]), server.cached
            server.settle()
            server.forget()
            again = server.tokens([PROMPT]), server.cached
            assert set(server.idle().values()) == {0}
        finally:
            server.close()
        assert first == ([reference.prompt], [0]), "nobody has stored anything for it"
        assert again == ([reference.prompt], [1984])
        found.append({path.relative_to(tier) for path in tier.rglob("*.kv")})

    before, both = found
    assert (len(before), len(both)) == (62, 124)
    assert not {path.parts[0] for path in before} & {path.parts[0] for path in both - before}
    assert len({path.name for path in both}) == 124


def test_a_server_whose_salt_is_missing_does_not_start(model: Path, tmp_path: Path) -> None:
    config = of_tenant(tmp_path / "search", bytes(32), tmp_path / "shared")
    (tmp_path / "search" / "salt").unlink()

    with pytest.raises(ConfigError, match="the tenant's salt cannot be read"):
        Server(model, cake_config=config)
