"""What is asked: the tasks in tokens, and texts that are continued token by token."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from benchmarks.quality.tasks import Session, sessions
from demo.documents import MODULES, standard_library

BLOCK_TOKENS = 32
_FROM = 512
"""Where a text begins in its module: after the licence and the imports."""


@dataclass(frozen=True)
class Text:
    """A stored prefix, and how it goes on.

    Attributes:
        prefix: Whole blocks.
        continuation: The first of them goes before the first prediction, so that all of the prefix is loaded.
    """

    prefix: list[int]
    continuation: list[int]


@dataclass(frozen=True)
class Material:
    """What every codec is asked, in the tokens of one model.

    Attributes:
        contexts: Tokens of each session's context.
    """

    texts: list[Text]
    sessions: list[Session]
    contexts: list[list[int]]
    tokenizer: Tokenizer

    def prompt(self, session: int, turn: int) -> list[int]:
        """The tokens of a question, after its context and what was said before."""
        return self.contexts[session] + self.tokens_of(self.sessions[session].before(turn))

    def tokens_of(self, text: str) -> list[int]:
        """Tokens of a text."""
        ids: list[int] = self.tokenizer.encode(text).ids
        return ids


def material(model: Path, *, texts: int, prefix: int, positions: int, per_task: int, turns: int) -> Material:
    """The same in every run with a tokenizer.

    Args:
        model: Folder with the tokenizer.
        texts: How many, of one module of the standard library each.
        prefix: Tokens of each that are stored.
        positions: Next tokens that are predicted for each.
        per_task: Sessions of each task.
        turns: Questions of each session.
    """
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    found = []
    for module in MODULES[:texts]:
        ids = tokenizer.encode((standard_library() / f"{module}.py").read_text()).ids[_FROM:]
        found.append(Text(ids[:prefix], ids[prefix : prefix + positions + 1]))
    asked = sessions(per_task, turns)
    return Material(found, asked, [tokenizer.encode(session.context).ids for session in asked], tokenizer)
