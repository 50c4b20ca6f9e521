"""Pins: a request may say that its prompt stays stored, by `"kv_transfer_params": {"cake_pin": NAME}`.

That is how a prefix gets pinned at all: only the engine knows the names of the blocks of a prompt.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from vllm.v1.request import Request

from cake_engine.store.pins import NAME_PATTERN

if TYPE_CHECKING:
    from cake_engine.vllm.adapter import OffloadSeam

logger = logging.getLogger(__name__)

PARAMETER = "cake_pin"


def pin_prompt(seam: OffloadSeam, request: Request) -> None:
    """Have the full chunks of a request's prompt stay on the file tiers, where it asks for that."""
    name = (request.kv_transfer_params or {}).get(PARAMETER)
    if name is None:
        return
    if not (isinstance(name, str) and re.fullmatch(NAME_PATTERN, name)):
        logger.warning(
            'A request has "%s": %.80r, so nothing was pinned: write a lower-case label of 63 characters at most, '
            'such as "system-prompt".',
            PARAMETER,
            name,
        )
        return
    size, keys = seam.chunk_tokens, seam.known_keys(request.request_id)[0]
    chunks = [(key, end * size) for end, key in enumerate(keys[: request.num_prompt_tokens // size], start=1)]
    for tier in seam.manager.secondary_tiers:
        tier.pin(name, chunks)
