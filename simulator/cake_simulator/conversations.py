"""Conversations over long documents: what many people ask about the same texts, turn by turn.

Each conversation begins with a document, the popular ones more often than others, and every turn repeats all that was
said before it: the document, the questions and the answers. Requests come as a stream, in order of arrival.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import accumulate, count
from random import Random

from cake_simulator.trace import BLOCK_TOKENS, Request

_DOCUMENT, _CONVERSATION = 1 << 20, 1 << 12
_FIRST_CONVERSATION = 1 << 52
"""Identities of blocks: documents below it, what was said in a conversation from it on."""


@dataclass(frozen=True)
class Reading:
    """Who reads what, and how often.

    Attributes:
        conversations_per_second: That begin, by chance.
        documents: How many there are.
        document_tokens: Shortest and longest; each document has a length of its own between them.
        popularity: Exponent of Zipf's law: 0 for documents that are all asked about as often.
        turns: Mean number of questions of a conversation, at least 1.
        question_tokens: Shortest and longest question.
        answer_tokens: Shortest and longest answer.
        thinking_seconds: Mean time from a question to the next.
        seed: Of all chance.
        block_tokens: Tokens of a block of a prompt.
        course: Share of the conversations that begin, 0 to 1, by the moment.
    """

    conversations_per_second: float
    documents: int = 100
    document_tokens: tuple[int, int] = (8_000, 32_000)
    popularity: float = 0.8
    turns: float = 4.0
    question_tokens: tuple[int, int] = (50, 400)
    answer_tokens: tuple[int, int] = (50, 400)
    thinking_seconds: float = 60.0
    seed: int = 0
    block_tokens: int = BLOCK_TOKENS
    course: Callable[[float], float] = lambda _: 1.0


def conversations(reading: Reading, seconds: float) -> Iterator[Request]:
    """The requests that come before this moment, in order of arrival; those of conversations that go on are cut.

    Args:
        reading: Who reads what.
        seconds: How long requests come.
    """
    random = Random(f"conversations {reading.seed}")
    documents = [
        _Document(number, Random(f"{reading.seed} {number}").randint(*reading.document_tokens))
        for number in range(reading.documents)
    ]
    weights = list(accumulate((1 + rank) ** -reading.popularity for rank in range(reading.documents)))
    coming: list[tuple[float, int, Request]] = []  # by moment; the second item keeps ties in order
    turns, number, begins = count(), 0, random.expovariate(reading.conversations_per_second)
    for conversation in count():
        while coming and coming[0][0] <= begins:
            arrival, _, request = heappop(coming)
            if arrival >= seconds:
                return
            yield replace(request, number=number)
            number += 1
        if random.random() < reading.course(begins):
            [document] = random.choices(documents, cum_weights=weights)
            for request in _turns(reading, random, document, conversation, begins):
                heappush(coming, (request.arrival, next(turns), request))
        begins += random.expovariate(reading.conversations_per_second)


@dataclass(frozen=True)
class _Document:
    number: int
    tokens: int


def _turns(
    reading: Reading, random: Random, document: _Document, conversation: int, begins: float
) -> Iterator[Request]:
    """All requests of one conversation: after each, it goes on with the chance that makes its mean length."""
    said, arrival, goes_on = document.tokens, begins, True
    shared = [document.number * _DOCUMENT + block for block in range(document.tokens // reading.block_tokens)]
    own = _FIRST_CONVERSATION + conversation * _CONVERSATION
    while goes_on:
        said += random.randint(*reading.question_tokens)
        answer = random.randint(*reading.answer_tokens)
        blocks = (*shared, *(own + block for block in range(len(shared), said // reading.block_tokens)))
        yield Request(0, arrival, said, answer, blocks)
        said += answer
        arrival += random.expovariate(1 / reading.thinking_seconds)
        goes_on = random.random() < 1 - 1 / reading.turns
