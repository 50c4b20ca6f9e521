"""The prompts: real text, and a question about it whose answer shows whether the KV cache is right.

A stored prefix is the source of one module of the standard library, which is half prose. The new text after it repeats
a phrase from within the prefix, and the model goes on as the prefix did: it has to look the continuation up in the
middle of what was stored. A wrong block there is a wrong token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tokenizers import Tokenizer

from benchmarks.ttft.grid import DECODERS, SUFFIX_TOKENS, TOGETHER, Group, Situation
from demo.documents import MODULES, standard_library

DECODER_TOKENS = 256
ANSWER_TOKENS = 8
DECODED_TOKENS = 400
"""Decoders go on until the measured request has its first tokens; this is their bound."""
PHRASES_AT = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6)
"""Where in the prefix a phrase may be repeated from: what is there is loaded rather than computed, in most cells."""


@dataclass(frozen=True)
class Prompt:
    """A prompt by its name, which stands for the same tokens everywhere.

    Attributes:
        answer: How many tokens are asked for.
    """

    name: str
    tokens: tuple[int, ...]
    answer: int = ANSWER_TOKENS


@dataclass(frozen=True)
class Cast:
    """Who appears in the cells of a group.

    Attributes:
        measured: Prompts with stored prefixes.
        background: What else the engine does.
    """

    measured: tuple[Prompt, ...]
    background: tuple[Prompt, ...]


class Library:
    """Makes prompts of the standard library's source."""

    def __init__(self, model: Path) -> None:
        """Read the tokenizer in the model's folder."""
        self._tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        self._read = cache(self._tokens_of)

    def measured(self, group: Group) -> list[list[Prompt]]:
        """The prompts with stored prefixes of a group's cells, each as candidates that differ in their new text."""
        number = TOGETHER if group.situation is Situation.TOGETHER else 1
        return [self._candidates(f"stored-{group.tokens}-{n}", self._excerpt(group.tokens, n)) for n in range(number)]

    def background(self, group: Group) -> list[Prompt]:
        """The other prompts: decoders, or new text that keeps the engine busy while the measured request waits."""
        match group.situation:
            case Situation.DECODING:
                texts = [self._excerpt(DECODER_TOKENS, number) for number in range(DECODERS)]
                return [Prompt(f"decoder-{n}", text, DECODED_TOKENS) for n, text in enumerate(texts)]
            case Situation.QUEUED:
                return [Prompt(f"occupant-{group.tokens}", self._excerpt(group.tokens, TOGETHER), 1)]
        return []

    def _candidates(self, name: str, prefix: Sequence[int]) -> list[Prompt]:
        starts = [int(len(prefix) * at) for at in PHRASES_AT]
        return [Prompt(name, (*prefix, *prefix[start : start + SUFFIX_TOKENS])) for start in starts]

    def _excerpt(self, tokens: int, number: int) -> tuple[int, ...]:
        """Text from one module; texts of different lengths begin differently, so that none is another's prefix."""
        start = tokens // 16
        for module in MODULES:
            text = self._read(module)
            if len(text) >= start + tokens:
                if number == 0:
                    return text[start : start + tokens]
                number -= 1
        raise ValueError(f"too few modules of the standard library are {start + tokens} tokens long")

    def _tokens_of(self, module: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode((standard_library() / f"{module}.py").read_text()).ids)
