"""vLLM 0.32: one thread uses the offloading manager, and chunks are ranked by a number."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from cake_engine.vllm.adapter.memory import FIRST, CommonRecency
from cake_engine.vllm.adapter.seam import CommonSeam


class OffloadSeam(CommonSeam):
    """The scheduler side of offloading."""

    def hold_for_step(self) -> None:
        """Have the manager to ourselves until the step's metadata is built: nobody else uses it."""

    def held(self) -> AbstractContextManager[Any]:
        """Have the manager to ourselves between two steps, or within one: nobody else uses it."""
        return nullcontext()

    def fence(self, copies: Mapping[int, int]) -> None:
        """Copies are under way while memory is emptied: their reports are skipped by their numbers."""


class RecencyPolicy(CommonRecency):
    """The order in which chunks leave memory."""

    def before_all(self, rank: int) -> int:
        """The rank of a chunk that is to leave before those that have none like it."""
        return rank + FIRST


def memory_details(_spec: Any) -> dict[str, Any]:
    """What the memory tier is told beside its size and policy."""
    return {}
