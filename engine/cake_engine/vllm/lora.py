"""Requests with a LoRA adapter are keyed by what the adapter's files hold.

vLLM keys them by the adapter's name and path. That tells adapters apart while one process lives; a store outlives an
adapter that is trained anew into the same folder, and would then bring back KV of other weights.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3
from vllm.lora.request import LoRARequest
from vllm.v1.request import Request

logger = logging.getLogger(__name__)

_Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class _Loaded:
    path: str
    stamp: _Stamp
    salt: str


class AdapterKeys:
    """Salts for the keys of requests with an adapter, one for each content."""

    def __init__(self) -> None:
        self._loaded: dict[int, _Loaded] = {}

    def apply(self, request: Request) -> None:
        """Make the keys of a request that has just arrived depend on its adapter's files; others stay as they are."""
        if request.lora_request is None:
            return
        request.cache_salt = f"{self._salt(request.lora_request)}:{request.cache_salt or ''}"
        request.block_hashes.clear()
        request.update_block_hashes()

    def _salt(self, adapter: LoRARequest) -> str:
        known = self._loaded.get(adapter.lora_int_id)
        stamp = _stamp(Path(adapter.lora_path).expanduser())
        if known is None or known.path != adapter.lora_path or adapter.load_inplace:
            # vLLM reads the adapter for its first request: reading it here as well warms the page cache.
            known = _Loaded(adapter.lora_path, stamp, self._digest(adapter, stamp))
        elif known.stamp != stamp:
            # Which of the two contents vLLM has in memory cannot be told.
            known = _Loaded(adapter.lora_path, stamp, self._private(adapter, "its files changed while it was in use"))
        self._loaded[adapter.lora_int_id] = known
        return known.salt

    def _digest(self, adapter: LoRARequest, stamp: _Stamp) -> str:
        if not stamp:
            return self._private(adapter, "it is not a folder of this machine")
        folder = Path(adapter.lora_path).expanduser()
        content = blake3()
        for name, _, size in stamp:
            content.update(f"{name}\0{size}\0".encode())
            content.update_mmap(folder / name)
        return content.hexdigest()

    def _private(self, adapter: LoRARequest, reason: str) -> str:
        logger.warning(
            "KV of the LoRA adapter %s (%s) is kept for this process only: %s. Give each version a folder of its own.",
            adapter.lora_name,
            adapter.lora_path,
            reason,
        )
        return uuid.uuid4().hex


def _stamp(folder: Path) -> _Stamp:
    """Name, time of change in nanoseconds and size in bytes of each file in the folder; empty where there is none."""
    if not folder.is_dir():
        return ()
    files = sorted(file for file in folder.iterdir() if file.is_file())
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files)
