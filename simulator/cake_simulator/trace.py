"""Requests as they were recorded: when each came, how long it was, and which blocks of its prompt it shares.

The form is Mooncake's (FAST'25): one JSON object a line with `timestamp` (ms), `input_length` and `output_length`
(tokens) and `hash_ids`, one for each block of 512 tokens of the prompt; equal ids are equal prefixes up to that block.
All of it is read and scaled as a stream, so that memory does not grow with the trace.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from math import ceil
from pathlib import Path
from random import Random
from zlib import crc32

BLOCK_TOKENS = 512
"""Tokens of one block of the form."""
BUCKET_SECONDS = 3.0
"""The published traces round arrivals to this."""
_PARTS = 64
_COPY = 1 << 40


class TraceError(ValueError):
    """A line that is not a request; its text says where, and what was expected."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        number: Its place in the stream, from 0.
        arrival: Seconds since the start.
        input_tokens: Of its prompt.
        output_tokens: That are generated, at least 1.
        blocks: Identity of each full block of its prompt.
    """

    number: int
    arrival: float
    input_tokens: int
    output_tokens: int
    blocks: tuple[int, ...] = ()

    @property
    def session(self) -> int:
        """What the requests of one conversation have in common: the block behind the system prompt that all share."""
        return self.blocks[min(1, len(self.blocks) - 1)] if self.blocks else -1 - self.number


def read(path: Path) -> Iterator[Request]:
    """Read a trace, in its order.

    Raises:
        TraceError: A line is not a request, or earlier than the one before.
    """
    latest = 0.0
    with path.open() as lines:
        for number, line in enumerate(lines):
            request = _parse(line, number, path)
            if request.arrival < latest:
                raise TraceError(f"{path}, line {number + 1}: earlier than the line before; sort it by timestamp")
            latest = request.arrival
            yield request


def _parse(line: str, number: int, path: Path) -> Request:
    try:
        found = json.loads(line)
        tokens, blocks = int(found["input_length"]), found["hash_ids"]
        arrival, answer = found["timestamp"] / 1000, int(found["output_length"])
        if tokens < 1 or len(blocks) < tokens // BLOCK_TOKENS or arrival < 0:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise TraceError(
            f'{path}, line {number + 1}: not a request; write {{"timestamp": ms, "input_length": tokens, '
            f'"output_length": tokens, "hash_ids": [one for each {BLOCK_TOKENS} tokens]}}'
        ) from None
    return Request(number, arrival, tokens, max(1, answer), tuple(blocks[: tokens // BLOCK_TOKENS]))


def spread(requests: Iterable[Request], seconds: float = BUCKET_SECONDS, seed: int = 0) -> Iterator[Request]:
    """Give the requests of one bucket moments of their own within it, in their order."""
    random = Random(f"spread {seed}")
    for _, bucket in groupby(requests, key=lambda request: request.arrival):
        together = list(bucket)
        offsets = sorted(random.uniform(0, seconds) for _ in together)
        for request, offset in zip(together, offsets, strict=True):
            yield replace(request, arrival=request.arrival + offset)


def until(requests: Iterable[Request], seconds: float) -> Iterator[Request]:
    """The requests that come before this moment."""
    for request in requests:
        if request.arrival >= seconds:
            return
        yield request


def repeated(path: Path, seconds: float, seed: int = 0) -> Iterator[Request]:
    """The trace over and over until this moment, each time with conversations of its own."""
    start, round_, number = 0.0, 0, 0
    while start < seconds:
        latest = 0.0
        for request in spread(read(path), seed=seed + round_):
            latest = max(latest, request.arrival)
            if start + latest >= seconds:
                return
            blocks = _copied(request.blocks, 1024 * round_)
            yield replace(request, number=number, arrival=start + request.arrival, blocks=blocks)
            number += 1
        if latest == 0.0:
            return
        start, round_ = start + latest, round_ + 1


def scaled(
    requests: Iterable[Request], rate: float | Callable[[float], float] = 1.0, length: float = 1.0, seed: int = 0
) -> Iterator[Request]:
    """More or fewer conversations, and longer or shorter prompts.

    Conversations come and go whole, so that what they reuse of each other's blocks stays: below a rate of 1 some are
    left out, above it some come twice or more often, with blocks of their own behind the common first one.

    Args:
        requests: In order of arrival.
        rate: Times as many conversations; a function of the moment where it changes.
        length: Times as many tokens in a prompt.
        seed: Which conversations.
    """
    at = rate if callable(rate) else lambda _: rate
    number = 0
    for request in requests:
        share = at(request.arrival)
        for copy in range(ceil(share)):
            if copy + _chance(request.session, copy, seed) < share:
                blocks = _copied(request.blocks, copy)
                yield _stretched(replace(request, number=number, blocks=blocks), length)
                number += 1


def _chance(session: int, copy: int, seed: int) -> float:
    """The same number, 0 to 1, for every request of a conversation."""
    return crc32(f"{session} {copy} {seed}".encode()) / 2**32


def _copied(blocks: tuple[int, ...], copy: int) -> tuple[int, ...]:
    return blocks[:1] + tuple(block + copy * _COPY for block in blocks[1:]) if copy else blocks


def _stretched(request: Request, length: float) -> Request:
    """The request with a prompt of another length: each block becomes several, or several become one."""
    if length == 1.0:
        return request
    tokens = max(1, round(request.input_tokens * length))
    last = len(request.blocks) - 1
    blocks = []
    for index in range(tokens // BLOCK_TOKENS if request.blocks else 0):
        old = min(last, ceil((index + 1) / length) - 1)
        blocks.append(request.blocks[old] * _PARTS + (index - int(old * length)) % _PARTS)
    return replace(request, input_tokens=tokens, blocks=tuple(blocks))
