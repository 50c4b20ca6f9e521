"""Everything of vLLM that Cake touches and that vLLM does not promise to keep, in one folder.

The offloading seam (OffloadingSpec, SecondaryTierManager, CachePolicy, OffloadingWorker) is vLLM's own extension point.
What has no hook there is reached here, by name, through small methods. What is the same in all supported releases is
written once; what differs has a module for each, and the one that runs is chosen here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import vllm

from cake_engine.vllm.adapter.kernels import cpu_kernel, write_cpu_page
from cake_engine.vllm.adapter.memory import eviction_policy, memory_chunks
from cake_engine.vllm.adapter.refusals import refuse_unsupported
from cake_engine.vllm.adapter.requests import announce_again, move_to, park_again, readmit_parked, resume_parked
from cake_engine.vllm.adapter.seam import connector_scheduler
from cake_engine.vllm.adapter.transfers import LOAD_PREFIX, take_completed, take_loads, transferred
from cake_engine.vllm_releases import UnsupportedError, release_of

RELEASE = release_of(vllm.__version__)

# A type checker reads one release for all: each of them has the same names.
if TYPE_CHECKING or RELEASE == "0.32":
    from cake_engine.vllm.adapter.release_0_32 import OffloadSeam, RecencyPolicy, memory_details
else:
    from cake_engine.vllm.adapter.release_0_33 import OffloadSeam, RecencyPolicy, memory_details

__all__ = [
    "LOAD_PREFIX",
    "RELEASE",
    "OffloadSeam",
    "RecencyPolicy",
    "UnsupportedError",
    "announce_again",
    "connector_scheduler",
    "cpu_kernel",
    "eviction_policy",
    "memory_chunks",
    "memory_details",
    "move_to",
    "park_again",
    "readmit_parked",
    "refuse_unsupported",
    "resume_parked",
    "take_completed",
    "take_loads",
    "transferred",
    "write_cpu_page",
]
