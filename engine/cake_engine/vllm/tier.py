"""A folder as a secondary tier of vLLM's KV offloading: our block store behind vLLM's interface.

Everything here runs on the scheduler's thread and returns at once; files are touched by the store's threads only. A
block reaches the primary tier verified or not at all: a bad, missing or late file fails its part of the job, and the
engine computes what it held.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from typing import Any, ClassVar, NamedTuple

import numpy as np
from vllm.v1.kv_offload.base import LookupResult, Medium, OffloadKey, ReqContext, RequestOffloadingContext
from vllm.v1.kv_offload.tiering.base import JobResult, SecondaryTierManager, TransferJob

from cake_engine.config import ModelIdentity, TierConfig
from cake_engine.core.tier_cost import TierCost
from cake_engine.core.write_queue import write_room
from cake_engine.live import LiveConfigFile
from cake_engine.store.bandwidth import Pace, pace_of_reads, pace_of_writes
from cake_engine.store.blockfile import Reject
from cake_engine.store.blocks import BlockStore
from cake_engine.store.cipher import Cipher
from cake_engine.store.keys import Fingerprint, engine_key_of, key_at
from cake_engine.store.presence import PresenceCache
from cake_engine.store.statistics import Recorder, TierStatistics
from cake_engine.store.tenant import Tenant
from cake_engine.store.transfer import Transfer
from cake_engine.store.transfers import TransferPool
from cake_engine.vllm.key_space import fingerprint
from cake_engine.vllm.pages import block_layout
from cake_engine.vllm.tier_jobs import TierJobs

_DOUBT_SECONDS = 10.0
"""A block that could not be read for reasons of the file system is not asked for again in this time."""
_SUSPENSION_SECONDS = 5.0
"""After a read passed its deadline the whole tier counts as empty for this time."""
_REJECTS = frozenset(reject.value for reject in Reject)


class _Kind(NamedTuple):
    """Reads, or writes: what moves a block, and how fast."""

    name: str
    move: Callable[..., None]
    pace: Callable[[], Pace]


class CakeFileTier(SecondaryTierManager):
    """Blocks in files: verified, bounded in time, rate and space, cancellable, in a key space of their own.

    Attributes:
        on_completion: Called from an I/O thread after every transfer that ended and when look-ups are answered, so that
            an idle engine can wait for it.
        passed_over: Whether `lookup` finds nothing, because what is looked up is to come from another tier.
    """

    medium: ClassVar[Medium] = Medium.STORAGE

    def __init__(
        self,
        offloading_spec: Any,
        primary_kv_view: memoryview,
        tier_type: str,
        *,
        tier: TierConfig,
        model: ModelIdentity,
        live: LiveConfigFile,
        tenant: Tenant | None = None,
        cipher: Cipher | None = None,
        readers: int = 4,
        writers: int = 2,
        deadline_seconds: float = 5.0,
    ) -> None:
        """Open the tier; nothing is waited for.

        Args:
            offloading_spec: vLLM's, for the shape of the blocks.
            primary_kv_view: The primary tier's rows, (chunks, bytes).
            tier_type: The tier's name: vLLM labels its own metrics with it.
            tier: A FileSystem tier of the static configuration.
            model: Whose blocks these are.
            live: For the bandwidth caps.
            tenant: Who alone finds them; None lets everybody.
            cipher: Encrypts them; None leaves them as they are.
            readers: Threads that read.
            writers: Threads that write.
            deadline_seconds: For one read or write, from its turn.
        """
        super().__init__(offloading_spec, primary_kv_view, tier_type)
        rows: np.ndarray[Any, Any] = np.asarray(primary_kv_view).view(np.uint8)
        self._rows: np.ndarray[Any, Any] | None = rows
        self._tier = tier
        self._read_keys: dict[OffloadKey, bytes] = {}
        """Keys on the tier of what is being read, by the engine's."""
        self._refused: list[Transfer] = []
        self._suspended_until = float("-inf")
        self._queued_writes = write_room(len(rows))
        self.on_completion: Callable[[], None] = lambda: None
        self.passed_over = False
        self._recorder = Recorder()
        space = fingerprint(offloading_spec.config, rows.shape[1], model, tier)
        self._store = self._opened(offloading_spec.config, space, tenant, cipher)
        self._jobs = TierJobs(self._store.file_bytes, self.block_size_bytes)
        self._presence = PresenceCache(
            self._store.contains, on_answer=self._completed, on_fault=self._recorder.fell_back
        )
        load = _Kind("read", self._store.load, lambda: pace_of_reads(live.current, tier.name))
        save = _Kind("write", self._store.save, lambda: pace_of_writes(live.current, tier.name))
        self._reads, self._writes = (
            self._pool(kind, threads, deadline_seconds) for kind, threads in ((load, readers), (save, writers))
        )

    @property
    def read_rate(self) -> float | None:
        """Bytes of blocks per second at which reads were served lately, the cap included; None until there was one."""
        return self._reads.bytes_per_second

    @property
    def read_cost(self) -> TierCost:
        """What reads take, learned from every one."""
        return self._reads.cost

    def peek(self, key: OffloadKey, position: int = 0) -> LookupResult:
        """What `lookup` says; neither of them moves anything.

        Args:
            key: Of the block.
            position: Tokens of the prefix up to its end; 0 where not known.
        """
        if time.monotonic() < self._suspended_until:
            return LookupResult.MISS
        present = self._presence.ask(key_at(key, position))
        if present is None:
            return LookupResult.RETRY
        return LookupResult.HIT if present else LookupResult.MISS

    def lookup(self, key: OffloadKey, req_context: ReqContext) -> LookupResult:
        """Whether a block is there, as far as is known; RETRY while that is being found out."""
        if self.passed_over:
            return LookupResult.MISS
        return self.peek(key, req_context.get_offload_key_position(key) or 0)

    def submit_load(self, job_metadata: TransferJob) -> None:
        """Queue the reads of a job."""
        transfers = self._jobs.begin(job_metadata)
        self._read_keys.update((OffloadKey(engine_key_of(transfer.key)), transfer.key) for transfer in transfers)
        self._reads.submit(transfers)

    def submit_store(self, job_metadata: TransferJob) -> None:
        """Queue the writes of a job, from its first block on, as far as there is room.

        Blocks that wait hold primary memory; those beyond the room are not stored. The first ones are kept because a
        stored prefix is found from its front.
        """
        transfers = self._jobs.begin(job_metadata)
        room = max(0, self._queued_writes - self._writes.depth)
        for transfer in transfers[room:]:
            transfer.fail("queue_full")
        self._refused += transfers[room:]
        self._writes.submit(transfers[:room])
        if self._refused:
            self._completed()

    def cancel(self, req_id: str) -> int:
        """Take back the reads of a request that have not begun; their jobs fail, their blocks stay known."""
        return self._reads.cancel(req_id)

    def take_back(self, keys: Collection[OffloadKey]) -> list[OffloadKey]:
        """Take back those of these reads that have not begun; which they were. As with `cancel`, they stay known."""
        useless = [self._read_keys[key] for key in keys if key in self._read_keys]
        return [OffloadKey(engine_key_of(transfer.key)) for transfer in self._reads.take_back(useless)]

    def pin(self, name: str, keys: Iterable[tuple[OffloadKey, int]]) -> None:
        """Have blocks stay, as far as there is room for what stays.

        Args:
            name: Of the pin, as `cake_engine.store.pins.NAME_PATTERN` has it.
            keys: Of the blocks, head first, each with the tokens of the prefix up to its end.
        """
        self._store.pin(name, [key_at(key, position) for key, position in keys])

    def get_finished_jobs(self) -> Iterable[JobResult]:
        """The jobs that ended since the last call."""
        results: list[JobResult] = []
        written, self._refused = self._refused, []
        written += self._writes.finished()
        for transfer in self._reads.finished():
            self._read_keys.pop(OffloadKey(engine_key_of(transfer.key)), None)
            self._note_read(transfer)
            self._jobs.settle(transfer, results)
        for transfer in written:
            if transfer.failure is None:
                self._presence.note(transfer.key, True)
            else:
                self._recorder.skipped_write(transfer.failure)
            self._jobs.settle(transfer, results)
        return results

    def on_new_request(self, req_context: ReqContext) -> RequestOffloadingContext:  # noqa: ARG002 - vLLM's interface
        """Blocks are stored as they are computed."""
        return RequestOffloadingContext()

    def drain_jobs(self) -> None:
        """Take back what waits and wait for what runs, no longer than its deadline."""
        for pool in (self._reads, self._writes):
            pool.cancel()
            pool.wait_idle()

    def shutdown(self) -> None:
        """End the threads and let go of the primary tier's memory."""
        self._reads.stop()
        self._writes.stop()
        self._presence.stop()
        self._store.stop()
        self._rows = None

    def take_statistics(self) -> TierStatistics:
        """What the tier did since the last call."""
        return self._recorder.take(
            self._tier.name,
            used_bytes=self._store.used_bytes,
            capacity_bytes=self._tier.capacity_bytes,
            queue_depth=self._reads.depth,
            rested_seconds=self._writes.take_rested(),
            direct=self._store.reads_directly,
        )

    def _opened(self, config: Any, space: Fingerprint, tenant: Tenant | None, cipher: Cipher | None) -> BlockStore:
        tier = self._tier
        try:
            layout = None if tier.codec.exact else block_layout(config, space.block_bytes)
            return BlockStore(tier, space, self._recorder, tenant=tenant, cipher=cipher, layout=layout)
        except ValueError as error:
            raise ValueError(
                f'tier "{tier.name}" cannot have the codec {tier.codec} with this model: {error}. '
                'Write "codec": "Zstd", which is exact and takes any model, and leave out "qualityFloor".'
            ) from None

    def _pool(self, kind: _Kind, threads: int, deadline_seconds: float) -> TransferPool:
        return TransferPool(
            f"{kind.name}-{self._tier.name}",
            lambda transfer, buffer: kind.move(transfer, self._row, buffer),
            threads=threads,
            buffer_bytes=self._store.file_bytes,
            pace=kind.pace,
            deadline_seconds=deadline_seconds,
            on_finished=self._completed,
        )

    def _row(self, chunk: int) -> memoryview:
        if self._rows is None:
            raise RuntimeError("the tier is shut down: nothing may touch the primary tier any more")
        return memoryview(self._rows[chunk])

    def _note_read(self, transfer: Transfer) -> None:
        match transfer.failure:
            case None:
                self._presence.note(transfer.key, True)
            case "cancelled":
                self._recorder.cancelled(1)
            case reason if reason in _REJECTS:
                self._presence.note(transfer.key, False)
            case reason:
                self._recorder.fell_back(reason)
                self._presence.note(transfer.key, False, seconds=_DOUBT_SECONDS)
                if reason == "deadline":
                    self._suspended_until = time.monotonic() + _SUSPENSION_SECONDS

    def _completed(self) -> None:
        self.on_completion()
