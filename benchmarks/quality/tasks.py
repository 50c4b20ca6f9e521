"""Synthetic tasks of SCBench (arXiv 2412.10319), made small from their published definitions.

A session is one long context and several questions about it, each with the earlier ones and their right answers before
it, as in SCBench's turns. Contexts are of some 1,500 tokens: what a model of 135 million parameters can use.
"""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NOISE = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
_KINDS = {
    "dax": ("apple", "pear", "plum", "grape", "peach", "lemon"),
    "wug": ("hammer", "saw", "drill", "wrench", "chisel", "file"),
    "blick": ("horse", "sheep", "goat", "mouse", "tiger", "otter"),
    "toma": ("river", "lake", "ocean", "pond", "brook", "bay"),
}


@dataclass(frozen=True)
class Turn:
    """One question.

    Attributes:
        question: Goes right after what was said before, and the answer right after it.
        answers: The right answer; where there are several, all are asked for.
    """

    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Session:
    """A context and its questions.

    Attributes:
        tokens: Of an answer, at most.
    """

    task: str
    context: str
    turns: tuple[Turn, ...]
    tokens: int

    def before(self, turn: int) -> str:
        """What stands between the context and the answer of a turn."""
        said = [earlier.question + " ".join(earlier.answers) + "\n" for earlier in self.turns[:turn]]
        return "".join([*said, self.turns[turn].question])


def score(turn: Turn, said: str) -> float:
    """The share of the right answers that were given; a single one has to come first."""
    if len(turn.answers) == 1:
        return float(re.match(rf"\W*{re.escape(turn.answers[0])}\b", said) is not None)
    words = set(re.findall(r"\w+", said))
    return sum(answer in words for answer in turn.answers) / len(turn.answers)


def key_value(draw: random.Random, turns: int) -> Session:
    """Retr.KV: the value of a key in a JSON object of random UUIDs."""
    pairs = [(_uuid(draw), _uuid(draw)) for _ in range(24)]
    listed = ",\n".join(f'"{key}": "{value}"' for key, value in pairs)
    asked = (Turn(f'\nThe value of the key "{key}" is "', (value,)) for key, value in draw.sample(pairs, turns))
    return Session("key-value", f"A JSON object:\n{{{listed}}}\n", tuple(asked), 40)


def prefix_suffix(draw: random.Random, turns: int) -> Session:
    """Retr.Prefix-Suffix: the string that begins and ends as said, in a list of random ones."""
    strings = ["".join(draw.choices(_LETTERS, k=20)) for _ in range(100)]
    asked = (
        Turn(f'\nThe string that starts with "{one[:6]}" and ends with "{one[-6:]}" is "', (one,))
        for one in draw.sample(strings, turns)
    )
    listed = "\n".join(f'"{one}"' for one in strings)
    return Session("prefix-suffix", f"A list of strings:\n{listed}\n", tuple(asked), 24)


def multi_hop(draw: random.Random, turns: int) -> Session:
    """Retr.MultiHop: all variables that have a value, by way of each other, between lines of noise."""
    chains = [[_name(draw) for _ in range(4)] for _ in range(turns)]
    values = [str(draw.randrange(10_000, 100_000)) for _ in chains]
    lines = [
        (draw.random() + hop, f"VAR {name} = {f'VAR {chain[hop - 1]}' if hop else value}.")
        for chain, value in zip(chains, values, strict=True)
        for hop, name in enumerate(chain)
    ]
    listed = "\n".join(f"{line} {_NOISE} {_NOISE}" for _, line in sorted(lines))
    asked = (
        Turn(f"\nThe variables that have the value {value} are: VAR", tuple(chain))
        for chain, value in zip(chains, values, strict=True)
    )
    return Session("multi-hop", f"Assignments:\n{listed}\n", tuple(asked), 40)


def math_find(draw: random.Random, turns: int) -> Session:
    """Math.Find: the largest, smallest and such of a list of numbers."""
    numbers = draw.sample(range(1000), 281)
    ordered = sorted(numbers)
    places = {"largest": -1, "smallest": 0, "second largest": -2, "second smallest": 1, "median": len(ordered) // 2}
    asked = (
        Turn(f"\nThe {what} number of the list is", (str(ordered[place]),)) for what, place in [*places.items()][:turns]
    )
    return Session("math-find", f"A list of numbers: {', '.join(map(str, numbers))}\n", tuple(asked), 8)


def many_shot(draw: random.Random, turns: int) -> Session:
    """ICL.ManyShot: the label of a word, by examples of made-up labels."""
    pairs = [(word, label) for label, words in _KINDS.items() for word in words]
    shown = draw.choices(pairs, k=150)
    listed = "\n".join(f"word: {word}, label: {label}" for word, label in shown)
    asked = (Turn(f"\nword: {word}, label:", (label,)) for word, label in draw.sample(sorted(set(shown)), turns))
    return Session("many-shot", f"{listed}\n", tuple(asked), 4)


TASKS: tuple[Callable[[random.Random, int], Session], ...] = (
    key_value,
    prefix_suffix,
    multi_hop,
    math_find,
    many_shot,
)


def sessions(count: int, turns: int) -> list[Session]:
    """So many of each task, the same in every run; at most five turns."""
    return [task(random.Random(f"{task.__name__} {number}"), turns) for task in TASKS for number in range(count)]


def _uuid(draw: random.Random) -> str:
    return str(uuid.UUID(int=draw.getrandbits(128), version=4))


def _name(draw: random.Random) -> str:
    return "".join(draw.choices(_LETTERS.upper(), k=5))
