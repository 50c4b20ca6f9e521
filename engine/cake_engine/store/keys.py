"""Which blocks may ever be mistaken for each other: none. The fingerprint of a key space, and a key's place in it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Self

from cake_engine.config import CodecName

FORMAT_VERSION = 2
BLOCK_SUFFIX = ".kv"
_POSITION_BYTES = 4


@dataclass(frozen=True)
class Fingerprint:
    """Everything that must be equal for the bytes of one engine to be right in another.

    Block keys hash tokens only, so each of these is a key space of its own: a folder, and a digest in every header.

    Attributes:
        model: Name that the user gave the model.
        revision: Revision of its weights; None where the user named none.
        dtype: Of the KV cache.
        layout: Order of the bytes within a block: the engine's layout name and its layers.
        block_tokens: Tokens of one stored block.
        block_bytes: Bytes of one stored block before the codec.
        weights: Digest of the weights and of the model's configuration; None where nothing is known of them.
        tensor_parallel_size: Shards of one layer.
        pipeline_parallel_size: Groups of layers.
        context_parallel_size: Shards of one sequence.
        rank: Worker whose bytes a file holds; None where it holds those of all workers, in rank order.
        codec: How the bytes are encoded.
        format_version: Of the file.
        tenant: Whose blocks these are; None where they are anybody's.
        cipher: How the payload is encrypted, and by which key; None where it is not.
    """

    model: str
    revision: str | None
    dtype: str
    layout: str
    block_tokens: int
    block_bytes: int
    weights: str | None = None
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1
    context_parallel_size: int = 1
    rank: int | None = None
    codec: CodecName = CodecName.RAW
    format_version: int = FORMAT_VERSION
    tenant: str | None = None
    cipher: str | None = None

    @classmethod
    def parse(cls, document: bytes) -> Self:
        """The fingerprint that a document says, such as stands beside the blocks.

        Raises:
            ValueError: This version would not have written it.
        """
        try:
            found = cls(**json.loads(document))
        except TypeError:
            raise ValueError("it has not the members of a fingerprint") from None
        if found.format_version != FORMAT_VERSION or found.codec not in list(CodecName):
            raise ValueError("it is of another version of the format")
        if not isinstance(found.block_bytes, int) or found.document.encode() != document.rstrip(b"\n"):
            raise ValueError("it is written as no engine writes one")
        return found

    @cached_property
    def document(self) -> str:
        """Canonical JSON: what is hashed, and what stands beside the blocks for people to read."""
        members = asdict(self)
        for later in ("tenant", "cipher"):  # without them blocks are found where they were before there were any
            if members[later] is None:
                del members[later]
        return json.dumps(members, sort_keys=True, separators=(",", ":"))

    @cached_property
    def digest(self) -> bytes:
        """32 bytes that no other fingerprint has."""
        return hashlib.sha256(self.document.encode()).digest()

    @cached_property
    def folder(self) -> str:
        """Name of its folder: the model for people, the digest for certainty."""
        readable = re.sub(r"[^A-Za-z0-9._-]+", "-", self.model).strip("-.")[:64] or "model"
        return f"{readable}-{self.digest.hex()[:24]}"


def key_at(engine_key: bytes, position: int) -> bytes:
    """A block's key on tiers: the engine's, and its position, so that its name alone says what it is worth to keep it.

    Args:
        engine_key: Hash of all tokens up to the block's end, from which the position follows.
        position: Tokens of the prefix up to the block's end; 0 where not known.
    """
    return engine_key + position.to_bytes(_POSITION_BYTES, "big")


def engine_key_of(key: bytes) -> bytes:
    """The engine's part of a key."""
    return key[:-_POSITION_BYTES]


def position_of(key: bytes) -> int:
    """Tokens of the prefix up to the block's end, of a key or a tenant's name for it; 0 where not known."""
    return int.from_bytes(key[-_POSITION_BYTES:], "big")


def position_named(name: str) -> int:
    """The same, of a key in hexadecimal."""
    return int(name[-2 * _POSITION_BYTES :], 16)


def place(key: bytes) -> str:
    """Path of a key's file below its fingerprint's folder.

    4096 folders keep each below 250 entries at a million blocks. Keys begin with hashes: they spread by themselves over
    their first three digits.

    Raises:
        ValueError: The key is shorter than two bytes.
    """
    if len(key) < 2:
        raise ValueError(f"a block key has at least 2 bytes, this one has {len(key)}")
    name = key.hex()
    return f"{name[:3]}/{name}{BLOCK_SUFFIX}"
