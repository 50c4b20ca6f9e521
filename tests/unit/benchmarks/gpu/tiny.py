"""A model that is small enough for unit tests, and what it needs to serve."""

from __future__ import annotations

import torch

from benchmarks.gpu.device import Processor
from benchmarks.gpu.filling import Engine, Prompt
from benchmarks.gpu.model import Llama
from benchmarks.gpu.pages import KvPool, PageTable
from benchmarks.gpu.shapes import Shape

SHAPE = Shape("unit", layers=2, hidden=32, heads=4, kv_heads=2, inner=48, vocabulary=64)
PAGE_TOKENS = 4
CHUNKS = 12
PREFIX = CHUNKS * PAGE_TOKENS
SUFFIX = 3


def engine(device: Processor, *, step_tokens: int = PAGE_TOKENS) -> Engine:
    model = Llama(SHAPE, device, positions=PREFIX + 2 * PAGE_TOKENS)
    return Engine(device, model, KvPool(SHAPE, 2 * CHUNKS, PAGE_TOKENS, device), step_tokens)


def prompt(of: Engine) -> Prompt:
    tokens = torch.randint(SHAPE.vocabulary, (PREFIX + SUFFIX,), generator=torch.Generator().manual_seed(3))
    table = PageTable(range(CHUNKS + 1), PAGE_TOKENS, of.device.place)
    return Prompt(tokens, PREFIX, table, of.device.host_rows(CHUNKS, of.pool.page_bytes))
