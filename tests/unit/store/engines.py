"""Engines over one folder whose every step somebody else decides."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from cake_engine.config import TierConfig, TierKind
from cake_engine.store import blocks, collector, keeper, locks
from cake_engine.store.archive import Block
from cake_engine.store.blockfile import HEADER_BYTES
from cake_engine.store.blocks import BlockStore
from cake_engine.store.eviction import Limits
from cake_engine.store.intake import Intake
from cake_engine.store.keeper import Keeper
from cake_engine.store.keys import Fingerprint
from cake_engine.store.reader import page_buffer
from cake_engine.store.statistics import Recorder
from cake_engine.store.tenant import Tenant
from cake_engine.store.transfer import Transfer
from tests.unit.store.conftest import key_of
from tests.unit.store.stepping import SteppedLock, Work, make_steppable

SPACE = Fingerprint(model="m", revision=None, dtype="bfloat16", layout="x", block_tokens=32, block_bytes=64)
GIVEN_UP = replace(SPACE, revision="before")
FILE_BYTES = HEADER_BYTES + 64
CAPACITY = 4 * FILE_BYTES
_LOOK_SECONDS = 0.001
CALLS_OF_A_PIECE = 400
"""More than any piece of work makes when nobody holds it up."""


def content(key: int, writer: int) -> bytes:
    return bytes([key, writer]) * 32


def block(key: int) -> bytes:
    """The key of a block; the higher its number, the deeper in its prefix."""
    return key_of(key, position=4096 * key)


class Engine:
    """A real store and its keeper, without threads of their own: their work is stepped."""

    def __init__(self, root: Path, number: int, tenant: Tenant | None = None, fingerprint: Fingerprint = SPACE) -> None:
        self.number = number
        self.tenant = tenant
        self.fingerprint = fingerprint
        self.works: list[Work] = []
        self.found: list[tuple[int, bytes]] = []
        self.tending: Work | None = None
        tier = TierConfig(name="t", kind=TierKind.FILE_SYSTEM, path=str(root), capacity_bytes=CAPACITY)
        self.folder = replace(fingerprint, tenant=tenant.identity if tenant else None).folder
        self.keeper = Keeper(root, Limits(CAPACITY), on_evicted=lambda files: None, key_space=self.folder)
        self.keeper._allowance._asking = SteppedLock()  # type: ignore[assignment]
        self.store = BlockStore(tier, fingerprint, Recorder(), self.keeper, tenant=tenant)
        self.intake = Intake(root, Limits(CAPACITY), self.keeper)

    def name_of(self, key: int) -> bytes:
        """What it calls a block on the tier."""
        return block(key) if self.tenant is None else self.tenant.name_of(block(key))

    def begin(self, name: str, work: Callable[[], object]) -> Work:
        self.works.append(Work(f"{name} of {self.number}", work))
        return self.works[-1]

    def save(self, key: int) -> Work:
        row = memoryview(content(key, self.number))
        return self.begin("save", lambda: self._move(self.store.save, key, row))

    def load(self, key: int) -> Work:
        def load() -> None:
            row = memoryview(bytearray(SPACE.block_bytes))
            if self._move(self.store.load, key, row) is None:
                self.found.append((key, bytes(row)))
            else:
                assert not any(row), "a refused block reached memory"

        return self.begin("load", load)

    def take(self, exported: Block) -> Work:
        """Take a block from an archive, as `cake-engine store import` does."""

        def take() -> None:
            with contextlib.suppress(OSError):  # the command says so, and ends
                self.intake.take(exported)

        return self.begin("import", take)

    def tend(self) -> Work:
        def tend() -> None:
            with contextlib.suppress(OSError):  # the thread says so, and tries again
                self.keeper.tend()

        if self.tending is None or self.tending.ended:
            self.tending = self.begin("tend", tend)
        return self.tending

    def die(self) -> None:
        for work in self.works:
            work.kill() if not work.ended else None
        self.keeper._ledger.close()  # as the kernel does

    def _move(self, move: Callable[..., None], key: int, row: memoryview) -> str | None:
        transfer = Transfer(job=0, owner="r", key=block(key), chunk=0, size=FILE_BYTES)
        transfer.start(0.0)
        move(transfer, lambda chunk: row, page_buffer(FILE_BYTES))  # each thread has its own
        return transfer.failure


def make_engines_steppable(patch: pytest.MonkeyPatch) -> None:
    """Engines wait for nothing but their next step, and their time passes by looks at the clock.

    By the machine's own, what is due would depend on how busy the machine is, and no example would be the same twice.
    """
    make_steppable(patch)
    looks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: next(looks) * _LOOK_SECONDS, sleep=time.sleep)
    for module in (collector, locks):
        patch.setattr(module, "time", clock)
    patch.setattr(keeper, "_FIRST_COUNT_SECONDS", 0.0)
    patch.setattr(blocks, "_PAUSE_SECONDS", 0.0)
    patch.setattr(locks, "_POLL_SECONDS", 0.0)
