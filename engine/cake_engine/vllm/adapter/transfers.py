"""Copies of ours among vLLM's: vLLM knows stores, and one load for each request."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from vllm.distributed.kv_transfer.kv_connector.v1.offloading.common import (
    OffloadingConnectorMetadata,
    OffloadingWorkerMetadata,
)

LOAD_PREFIX = "cake:"
"""Marks the transfer jobs that are ours: the engine must not take their end for the end of a request's own load."""


def transferred(meta: object) -> tuple[int, int]:
    """Bytes that a worker report says were copied out of and into the memory tier."""
    if not isinstance(meta, OffloadingWorkerMetadata):
        return 0, 0
    return meta.transfer_stats.load.bytes, meta.transfer_stats.store.bytes


def take_completed(meta: object, job_ids: Collection[int]) -> Iterator[tuple[int, int]]:
    """Remove our jobs from a worker report and yield them as (job, workers done): vLLM does not know them."""
    if isinstance(meta, OffloadingWorkerMetadata):
        for job_id in [job for job in meta.completed_jobs if job in job_ids]:
            yield job_id, meta.completed_jobs.pop(job_id)


def take_loads(meta: OffloadingConnectorMetadata) -> OffloadingConnectorMetadata | None:
    """Take our loads out of a step's metadata, to submit them before its forward pass rather than after."""
    ours = {job: load for job, load in meta.load_jobs.items() if load.req_id.startswith(LOAD_PREFIX)}
    for job in ours:
        del meta.load_jobs[job]
    return OffloadingConnectorMetadata(load_jobs=ours, store_jobs={}) if ours else None
