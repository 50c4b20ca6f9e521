"""Encrypted blocks: exact for who has the key, nothing for who has not, refused where somebody changed them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_engine.cli import main
from cake_engine.config import CodecName, TierConfig, TierKind
from cake_engine.store.blockfile import HEADER_BYTES, seal, unseal
from cake_engine.store.blocks import BlockStore
from cake_engine.store.cipher import OVERHEAD_BYTES, Cipher
from cake_engine.store.keys import Fingerprint
from cake_engine.store.statistics import Recorder
from tests.unit.store.conftest import key_of
from tests.unit.store.one_row import OneRow

SECRETS = [bytes(range(32)), bytes(range(1, 33))]
HEADER = b"fingerprint and name"


def encrypted(content: bytes, secret: bytes = SECRETS[0], header: bytes = HEADER) -> bytes:
    payload = memoryview(bytearray(content + bytes(OVERHEAD_BYTES)))
    Cipher(secret).encrypt(payload, memoryview(header))
    return bytes(payload)


def decrypted(payload: bytes, secret: bytes = SECRETS[0], header: bytes = HEADER) -> bytes:
    return bytes(Cipher(secret).decrypt(memoryview(payload), memoryview(header)))


@given(st.binary(max_size=300))
def test_what_was_encrypted_comes_back_and_is_so_much_longer(content: bytes) -> None:
    payload = encrypted(content)

    assert decrypted(payload) == content
    assert len(payload) == len(content) + OVERHEAD_BYTES


def test_equal_content_never_looks_equal_nor_like_itself() -> None:
    content = bytes(4096)
    first, second = encrypted(content), encrypted(content)

    assert first[:12] != second[:12], "a nonce serves once"
    pieces = [whole[n : n + 16] for whole in (first, second) for n in range(len(whole) - 15)]
    assert len(set(pieces)) == len(pieces)


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "a bit of the nonce": lambda payload: bytes([payload[0] ^ 1]) + payload[1:],
    "a bit of the content": lambda payload: payload[:20] + bytes([payload[20] ^ 1]) + payload[21:],
    "a bit of the tag": lambda payload: payload[:-1] + bytes([payload[-1] ^ 1]),
    "its end": lambda payload: payload[:-1],
    "all but the nonce": lambda payload: payload[:12],
    "everything": lambda payload: b"",
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_somebody_changed_is_refused(what: str) -> None:
    with pytest.raises(ValueError, match="tag"):
        decrypted(CHANGES[what](encrypted(bytes(100))))


@pytest.mark.parametrize(("secret", "header"), [(SECRETS[1], HEADER), (SECRETS[0], b"another")])
def test_another_key_or_header_is_refused(secret: bytes, header: bytes) -> None:
    with pytest.raises(ValueError, match="tag"):
        decrypted(encrypted(bytes(100)), secret, header)


def test_what_was_encrypted_by_a_secret_is_read_by_it_for_ever() -> None:
    payload = bytes.fromhex(
        "576e3061e3af4a4bc296a6d7a08e50d29ee427c9f625639d240093eb958941fa6a379d0bdebaefd7640f3931b9429403f08a382782cccf5ea9"
    )

    assert Cipher(SECRETS[0]).identity == "AES-256-GCM-730cbabf23dba44d0c72fe22f1199488"
    assert decrypted(payload) == b"a block of an earlier version"


class Bench(OneRow):
    """A store with a key, or without one."""

    def __init__(self, root: Path, fingerprint: Fingerprint, secret: bytes | None, codec: CodecName) -> None:
        tier = TierConfig(name="t", kind=TierKind.FILE_SYSTEM, path=str(root), capacity_bytes=1 << 20, codec=codec)
        cipher = None if secret is None else Cipher(secret)
        super().__init__(BlockStore(tier, fingerprint, Recorder(), cipher=cipher), fingerprint.block_bytes)


@pytest.fixture
def make(tmp_path: Path, fingerprint: Fingerprint) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def bench(secret: bytes | None, codec: CodecName = CodecName.RAW) -> Bench:
        made.append(Bench(tmp_path / "tier", fingerprint, secret, codec))
        return made[-1]

    yield bench
    for one in made:
        one.store.stop()


@pytest.mark.parametrize("codec", [CodecName.RAW, CodecName.ZSTD])
def test_a_block_comes_back_and_its_file_shows_nothing_of_it(
    make: Callable[..., Bench], tmp_path: Path, codec: CodecName
) -> None:
    bench, content = make(SECRETS[0], codec), bytes(range(256)) * 16
    bench.row[:] = content
    assert bench.move("save", 1) is None
    bench.row[:] = bytes(len(content))
    assert bench.move("load", 1) is None

    assert bytes(bench.row) == content
    (file,) = tmp_path.rglob("*.kv")
    assert bytes(range(16)) not in file.read_bytes()
    assert main(["store", "verify", str(tmp_path / "tier")]) == 0, "checksums need no key"


@pytest.mark.parametrize("other", [SECRETS[1], None])
def test_under_another_key_or_none_nothing_is_found(make: Callable[..., Bench], other: bytes | None) -> None:
    make(SECRETS[0]).move("save", 1)

    assert make(other).move("load", 1) == "missing"


def of_another_key(file: bytearray, other: bytes) -> int:
    file[HEADER_BYTES:] = encrypted(bytes(len(file) - HEADER_BYTES - OVERHEAD_BYTES), SECRETS[1], bytes(file[:96]))
    return 0


def of_another_block(file: bytearray, other: bytes) -> int:
    file[HEADER_BYTES:] = other[HEADER_BYTES:]
    return 0


def at_another_position(file: bytearray, other: bytes) -> int:
    return 64


@pytest.mark.parametrize("forge", [of_another_key, of_another_block, at_another_position])
def test_what_somebody_without_the_key_made_of_a_file_is_refused_and_removed(
    make: Callable[..., Bench], tmp_path: Path, forge: Callable[[bytearray, bytes], int]
) -> None:
    """Whoever may write the claim can make a checksum; the tag nobody can."""
    bench, content = make(SECRETS[0]), b"\7" * 4096
    for number in (1, 2):
        bench.row[:] = bytes([number]) * len(content)
        bench.move("save", number)
    files = {file: file.read_bytes() for file in tmp_path.rglob("*.kv")}
    path = next(file for file in files if file.stem == key_of(1).hex())
    forged = bytearray(files.pop(path))
    fields = {"codec": 1, "fingerprint": bytes(forged[32:64]), "key": key_of(1)}
    position = forge(forged, *files.values())
    seal(memoryview(forged), **fields, position=position)
    assert unseal(memoryview(forged), **fields).nbytes, "all but the tag is right"
    path.write_bytes(forged)

    bench.row[:] = content
    assert bench.move("load", 1) == "checksum"
    assert bytes(bench.row) == content, "nothing of it reached memory"
    assert not path.exists()
    assert bench.move("load", 2) is None


def test_an_engine_does_not_start_without_the_key_that_it_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    memory = '{"name": "memory", "kind": "Memory", "capacityBytes": 1}'
    config = tmp_path / "engine.json"
    config.write_text(f'{{"model": {{"name": "m"}}, "tiers": [{memory}], "encryptionKeyFile": "{tmp_path / "key"}"}}')

    assert main(["serve", "m", "--cake-config", str(config), "--show"]) == 2
    assert "the encryption key cannot be read (No such file or directory)" in capsys.readouterr().err
