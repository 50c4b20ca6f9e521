"""vLLM's jobs for a file tier: each is of several blocks, and has ended when all of their transfers have."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from vllm.v1.kv_offload.base import OffloadKey
from vllm.v1.kv_offload.tiering.base import JobResult, TransferJob

from cake_engine.store.keys import engine_key_of, key_at
from cake_engine.store.transfer import Transfer


@dataclass
class _Job:
    waiting: int
    submitted: float
    arrived: list[OffloadKey] = field(default_factory=list)
    failed: int = 0


class TierJobs:
    """The jobs that have not ended."""

    def __init__(self, file_bytes: int, block_bytes: int) -> None:
        """Know of none.

        Args:
            file_bytes: Of one block's file, at most.
            block_bytes: Of one block in memory.
        """
        self._file_bytes, self._block_bytes = file_bytes, block_bytes
        self._jobs: dict[int, _Job] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def begin(self, job: TransferJob) -> list[Transfer]:
        """The transfers of a job, one for each of its blocks, in their order."""
        self._jobs[job.job_id] = _Job(waiting=len(job.keys), submitted=job.submit_time)
        return [
            Transfer(
                job=job.job_id,
                owner=job.req_context.req_id,
                key=key_at(key, job.req_context.get_offload_key_position(key) or 0),
                chunk=int(chunk),
                size=self._file_bytes,
            )
            for key, chunk in zip(job.keys, job.chunk_ids, strict=True)
        ]

    def settle(self, transfer: Transfer, results: list[JobResult]) -> None:
        """Count a transfer that has ended to its job, and report the job when it was the last."""
        job = self._jobs[transfer.job]
        job.waiting -= 1
        if transfer.failure is None:
            job.arrived.append(OffloadKey(engine_key_of(transfer.key)))
        else:
            job.failed += 1
        if job.waiting:
            return
        del self._jobs[transfer.job]
        results.append(
            JobResult(
                transfer.job,
                success=not job.failed,
                successful_keys=tuple(job.arrived) if job.failed and job.arrived else None,
                transfer_time=time.monotonic() - job.submitted,
                transfer_bytes=len(job.arrived) * self._block_bytes,
            )
        )
