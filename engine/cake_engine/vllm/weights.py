"""Whose KV this is: a digest of the model as it was loaded, so that a name that is used twice mixes nothing up.

A name and a revision do not tell weights apart: a folder on a claim has no revision, two deployments may call two
models the same, and `--hf-overrides` changes what the same weights compute. So the key of every block holds a digest of
the resolved configuration and of the weights.
"""

from __future__ import annotations

import json
import logging
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from blake3 import blake3
from vllm.transformers_utils.repo_utils import try_get_local_file

logger = logging.getLogger(__name__)

CONFIG_KEY = "cake_weights"
"""Of vLLM's `kv_connector_extra_config`: how the digest gets from the connector to the tiers."""

_SAMPLE_BYTES = 4096
_SAMPLES_OF_UNKNOWN_FILE = 64
_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".gguf")
"""In the order in which vLLM prefers them; files of the first that is there are read."""
_NOT_THE_MODEL = frozenset({"_name_or_path", "_commit_hash", "transformers_version"})
"""Parts of a configuration that say where it is from."""


def digest(model_config: Any) -> str:
    """32 hexadecimal digits that models with other weights or another configuration do not have.

    Of each tensor two pages are read, not all: a second for a large model, and any training changes them. A few numbers
    edited by hand may go unseen: give such a model a name of its own.

    Args:
        model_config: vLLM's `ModelConfig`, its weights on this machine.
    """
    config = {key: value for key, value in model_config.hf_config.to_dict().items() if key not in _NOT_THE_MODEL}
    hasher = blake3(json.dumps([config, model_config.quantization], sort_keys=True, default=str).encode())
    files = _weight_files(model_config)
    if not files:
        logger.warning(
            "No weights of %s were found on this machine: its blocks are told from those of other weights by name, "
            "revision and configuration alone",
            model_config.model,
        )
    for path in files:
        for part in _samples(path):
            hasher.update(part)
    return hasher.hexdigest(16)


def _weight_files(model_config: Any) -> list[Path]:
    if Path(model_config.model).is_file():
        return [Path(model_config.model)]
    config = try_get_local_file(model_config.model, "config.json", model_config.revision)
    if not isinstance(config, Path):
        return []
    for suffix in _WEIGHT_SUFFIXES:
        if files := sorted(config.parent.glob(f"*{suffix}")):
            return files
    return []


def _samples(path: Path) -> Iterator[bytes]:
    """The name and size of a file, what it says of its tensors, and pages of each."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        yield f"{path.name}\0{size}\0".encode()
        for offset in _tensor_pages(file, size) if path.suffix == ".safetensors" else _spread(size):
            yield os.pread(file.fileno(), _SAMPLE_BYTES, offset)


def _tensor_pages(file: Any, size: int) -> list[int]:
    """Where to read in a safetensors file: its header, and the first and the middle page of each tensor."""
    (header_bytes,) = struct.unpack("<Q", file.read(8))
    tensors = json.loads(file.read(min(header_bytes, size)))
    tensors.pop("__metadata__", None)
    begin = 8 + header_bytes
    offsets = [
        begin + at for first, end in (t["data_offsets"] for t in tensors.values()) for at in (first, (first + end) // 2)
    ]
    return [*range(0, begin, _SAMPLE_BYTES), *sorted(offsets)]


def _spread(size: int) -> list[int]:
    step = max(_SAMPLE_BYTES, size // _SAMPLES_OF_UNKNOWN_FILE)
    return list(range(0, size, step))
