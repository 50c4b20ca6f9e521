"""What a codec makes of a block, and how fast, on one core."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch

from benchmarks.cells import MeasurementError
from benchmarks.store.tiers import MIB
from cake_engine.config import CodecName
from cake_engine.store.codecs import codec_of
from cake_engine.store.layout import BlockLayout, Plane

_CHANNELS = 128
_HEADS = 8
_TOKENS = 16
_SEED = 7


def measure(name: CodecName, _folder: Path, *, block_mib: int, rounds: int) -> dict[str, float]:
    """Size over the block's and bytes of block per second of processor time.

    The block is of bfloat16 numbers, normal with a scale of its own for each channel: it stands in for KV, no more.

    Raises:
        MeasurementError: What came back is not what was stored.
    """
    draw = torch.Generator().manual_seed(_SEED)
    rows = block_mib * MIB // 2 // _CHANNELS
    numbers = torch.randn(rows, _CHANNELS, generator=draw) * torch.rand(_CHANNELS, generator=draw)
    block = bytearray(numbers.to(torch.bfloat16).view(torch.int16).numpy().tobytes())
    codec = codec_of(name, "bfloat16", _layout(rows))
    payload, back = memoryview(bytearray(codec.bound(len(block)))), bytearray(len(block))
    encode, decode, size = [], [], 0
    for _ in range(rounds):
        began = time.process_time()
        size = codec.encode(memoryview(block), payload)
        between = time.process_time()
        codec.decode(payload[:size], memoryview(back))
        encode.append(between - began)
        decode.append(time.process_time() - between)
    found = torch.frombuffer(back, dtype=torch.bfloat16).view(rows, _CHANNELS).float()
    stored = numbers.to(torch.bfloat16).float()
    if float((found - stored).abs().max()) > codec.error_bound * float(stored.abs().max()):
        raise MeasurementError(f"{name} gave back another block")
    return {
        "ratio": size / len(block),
        "encode_bytes_per_second": len(block) / median(encode),
        "decode_bytes_per_second": len(block) / median(decode),
    }


def _layout(rows: int) -> BlockLayout:
    """Pages as engines on GPUs have them, of as many layers as fill the block."""
    row = 2 * _CHANNELS
    page = _HEADS * _TOKENS * row
    keys = Plane(0, (_HEADS, _TOKENS * row), ((_TOKENS, row),), ((_CHANNELS, 1),))
    layers = rows * _CHANNELS // page
    return BlockLayout("bfloat16", (1, layers * page), (layers, page), keys, replace(keys, offset=_CHANNELS))
