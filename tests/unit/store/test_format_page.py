"""docs/reference/store-format.md is the format: files made from its tables alone, and ours taken apart by them."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cake_engine.config import CodecName, TierConfig, TierKind
from cake_engine.store.accounts import Accounts
from cake_engine.store.blocks import BlockStore
from cake_engine.store.cipher import Cipher
from cake_engine.store.codecs import codec_of
from cake_engine.store.keys import Fingerprint
from cake_engine.store.reader import page_buffer
from cake_engine.store.statistics import Recorder
from cake_engine.store.tenant import Tenant
from cake_engine.store.transfer import Transfer
from tests.unit.store.blocks_of_numbers import Shape
from tests.unit.store.conftest import key_of

PAGE = (Path(__file__).parents[3] / "docs/reference/store-format.md").read_text()


def table(first_column: str) -> list[list[str]]:
    """The rows of the page's table whose head begins so."""
    lines = PAGE.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {first_column} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


FIELDS = {name: slice(int(offset), int(offset) + int(size)) for offset, size, name, _ in table("offset")}
VALUES = {name: value for _, _, name, value in table("offset")}
MAGIC = bytes.fromhex(re.match(r"`([0-9a-f ]+)`", VALUES["magic"])[1])  # type: ignore[index]
CODECS = {name.strip("`"): int(number) for name, number, _ in table("codec")}
MEMBERS = {row[0].strip("`") for row in table("member")}
CONTEXTS = {name: (context.strip("`"), int(size)) for name, size, context in table("derived")}
SECRETS = {name: (context.strip("`"), int(size)) for name, size, context in table("made of the secret")}
REFUSALS = list(dict.fromkeys(row[0].strip("`") for row in table("refused as")))


@dataclass(frozen=True)
class Described:
    """A block as the page describes it."""

    fingerprint: dict[str, object]
    key: bytes
    payload: bytes

    def of(self, salt: bytes) -> Described:
        """The same block of a tenant."""
        identity, name_key = (
            blake3(salt, derive_key_context=context).digest(size) for context, size in CONTEXTS.values()
        )
        return replace(
            self,
            fingerprint={**self.fingerprint, "tenant": identity.hex()},
            key=blake3(self.key, key=name_key).digest() + self.key[-4:],
        )

    def under(self, secret: bytes) -> tuple[Described, AESGCM]:
        """The same block encrypted, but for its payload; and what encrypts that."""
        identity, key = (blake3(secret, derive_key_context=context).digest(size) for context, size in SECRETS.values())
        members = {**self.fingerprint, "cipher": f"AES-256-GCM-{identity.hex()}"}
        return replace(self, fingerprint=members), AESGCM(key)

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(json.dumps(self.fingerprint, sort_keys=True, separators=(",", ":")).encode()).digest()

    @property
    def place(self) -> Path:
        model = re.sub("[^A-Za-z0-9._-]+", "-", str(self.fingerprint["model"])).strip("-.")[:64] or "model"
        name = self.key.hex()
        return Path(f"{model}-{self.digest.hex()[:24]}", name[:3], f"{name}.kv")

    def file(self) -> bytes:
        header = bytearray(FIELDS["padding"].stop)
        numbers = {
            "version": int(VALUES["version"]),
            "codec": CODECS[str(self.fingerprint["codec"])],
            "header length": int(VALUES["header length"]),
            "payload length": len(self.payload),
            "position": int.from_bytes(self.key[-4:], "big"),
            "reserved": int(VALUES["reserved"]),
        }
        for name, number in numbers.items():
            field = FIELDS[name]
            header[field] = number.to_bytes(field.stop - field.start, "little")
        header[FIELDS["magic"]] = MAGIC
        header[FIELDS["fingerprint"]] = self.digest
        header[FIELDS["key"]] = blake3(self.key).digest()
        covered = bytes(header[: FIELDS["checksum"].start]) + bytes(header[FIELDS["checksum"].stop :]) + self.payload
        header[FIELDS["checksum"]] = blake3(covered).digest()
        return bytes(header) + self.payload


class Tier:
    """Our store, in a folder."""

    def __init__(
        self, root: Path, fingerprint: Fingerprint, tenant: Tenant | None = None, cipher: Cipher | None = None
    ) -> None:
        tier = TierConfig(name="shared", kind=TierKind.FILE_SYSTEM, path=str(root), capacity_bytes=1 << 20)
        self.root = root
        self.store = BlockStore(tier, fingerprint, Recorder(), tenant=tenant, cipher=cipher)
        self.row = bytearray(fingerprint.block_bytes)

    def move(self, direction: str, key: bytes) -> str | None:
        transfer = Transfer(job=0, owner="r", key=key, chunk=0, size=0)
        transfer.start(0.0)
        buffer = page_buffer(self.store.file_bytes)
        getattr(self.store, direction)(transfer, lambda chunk: memoryview(self.row), buffer)
        return transfer.failure


@pytest.fixture(params=["org/model", "Modèle 7B (α)", "...", "x" * 80])
def described(request: pytest.FixtureRequest, fingerprint: Fingerprint) -> tuple[Fingerprint, Described]:
    ours = replace(fingerprint, model=request.param, weights="00ff")
    members: dict[str, object] = {
        "model": request.param,
        "revision": "r1",
        "weights": "00ff",
        "dtype": "bfloat16",
        "layout": "NHD-0",
        "block_tokens": 32,
        "block_bytes": 4096,
        "tensor_parallel_size": 1,
        "pipeline_parallel_size": 1,
        "context_parallel_size": 1,
        "rank": None,
        "codec": "Raw",
        "format_version": int(VALUES["version"]),
    }
    assert {*members, "tenant", "cipher"} == MEMBERS
    return ours, Described(members, key_of(7, position=96), bytes(range(256)) * 16)


def test_a_file_made_from_the_page_is_read_by_the_engine(
    tmp_path: Path, described: tuple[Fingerprint, Described]
) -> None:
    fingerprint, block = described
    path = tmp_path / block.place
    path.parent.mkdir(parents=True)
    path.write_bytes(block.file())
    tier = Tier(tmp_path, fingerprint)
    try:
        assert tier.move("load", block.key) is None
    finally:
        tier.store.stop()

    assert bytes(tier.row) == block.payload


def test_a_file_that_the_engine_wrote_is_the_one_of_the_page(
    tmp_path: Path, described: tuple[Fingerprint, Described]
) -> None:
    fingerprint, block = described
    tier = Tier(tmp_path, fingerprint)
    tier.row[:] = block.payload
    try:
        assert tier.move("save", block.key) is None
    finally:
        tier.store.stop()

    assert (tmp_path / block.place).read_bytes() == block.file()
    manifest = (tmp_path / block.place).parents[1] / "fingerprint.json"
    assert json.loads(manifest.read_text()) == block.fingerprint


def test_a_tenants_files_are_those_of_the_page_in_both_directions(
    tmp_path: Path, described: tuple[Fingerprint, Described]
) -> None:
    fingerprint, plain = described
    salt = b"a salt that nobody can guess, of 40 bytes"
    block = plain.of(salt)
    tier = Tier(tmp_path, fingerprint, Tenant(salt))
    tier.row[:] = plain.payload
    try:
        assert tier.move("save", plain.key) is None
        written = (tmp_path / block.place).read_bytes()
        (tmp_path / block.place).write_bytes(block.file())
        tier.row[:] = bytes(len(tier.row))
        assert tier.move("load", plain.key) is None
    finally:
        tier.store.stop()

    assert (written, bytes(tier.row)) == (block.file(), plain.payload)
    manifest = (tmp_path / block.place).parents[1] / "fingerprint.json"
    assert json.loads(manifest.read_text()) == block.fingerprint


def test_an_encrypted_file_is_that_of_the_page_in_both_directions(
    tmp_path: Path, described: tuple[Fingerprint, Described]
) -> None:
    fingerprint, plain = described
    secret, nonce = b"a secret that nobody can guess, 42 bytes...", bytes(range(12))
    block, aes = plain.under(secret)
    covered = replace(block, payload=bytes(len(plain.payload) + 28)).file()[: FIELDS["checksum"].start]
    tier = Tier(tmp_path, fingerprint, cipher=Cipher(secret))
    tier.row[:] = plain.payload
    path = tmp_path / block.place
    try:
        assert tier.move("save", plain.key) is None
        written = path.read_bytes()[FIELDS["padding"].stop :]
        path.write_bytes(replace(block, payload=nonce + aes.encrypt(nonce, plain.payload, covered)).file())
        tier.row[:] = bytes(len(tier.row))
        assert tier.move("load", plain.key) is None
    finally:
        tier.store.stop()

    assert (aes.decrypt(written[:12], written[12:], covered), bytes(tier.row)) == (plain.payload, plain.payload)
    assert json.loads((path.parents[1] / "fingerprint.json").read_text()) == block.fingerprint


def test_the_fields_of_the_page_leave_no_gap_and_fill_the_header() -> None:
    ends = [0, *(field.stop for field in FIELDS.values())]

    assert [field.start for field in FIELDS.values()] == ends[:-1]
    assert ends[-1] == int(VALUES["header length"])


def test_the_page_says_what_the_books_hold() -> None:
    assert {row[0].strip("`") for row in table("account")} == set(Accounts.model_fields)


def test_the_page_lists_every_codec_by_its_number() -> None:
    layout = Shape().dense()

    assert {name.value: codec_of(name, "bfloat16", layout).identifier for name in CodecName} == CODECS


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda file: file[:100], "truncated"),
        (lambda file: file + bytes(4096), "truncated"),
        *(
            (lambda file, field=FIELDS[name]: file[: field.start] + b"\x7f" + file[field.start + 1 :], "fingerprint")
            for name in ("magic", "version", "codec", "header length", "reserved", "fingerprint", "key")
        ),
        (lambda file: file[:-1], "truncated"),
        *(
            (lambda file, field=FIELDS[name]: file[: field.start] + b"\x7f" + file[field.start + 1 :], "checksum")
            for name in ("position", "checksum", "padding")
        ),
    ],
)
def test_a_file_is_refused_for_what_the_page_says(
    tmp_path: Path, fingerprint: Fingerprint, damage: object, reason: str
) -> None:
    members = json.loads(fingerprint.document)
    block = Described(members, key_of(7), bytes(4096))
    path = tmp_path / block.place
    path.parent.mkdir(parents=True)
    path.write_bytes(damage(block.file()))  # type: ignore[operator]
    tier = Tier(tmp_path, fingerprint)
    try:
        assert tier.move("load", block.key) == reason
        assert reason in REFUSALS
        assert not path.exists()
        assert tier.move("load", block.key) == "missing"
    finally:
        tier.store.stop()
