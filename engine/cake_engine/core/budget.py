"""Who computes how many tokens in a step: decode, then new text, then stored prefixes.

What is stored can also be loaded, and what decodes or is new cannot: so a stored prefix is computed with the tokens
that nobody else needs. It always gets a few, or a prefix whose chunks turn out to be lost would never be filled.

A step is kept short where that pays. When a prompt ends in it, or a stored prefix is there after it, tokens of other
stored prefixes hold that request up. But a step costs something even if little is in it, and that holds up all whose
prefixes come later. Not all steps in a row are kept short, so prefixes do not stand still.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

FLOOR = 1 / 16
"""Part of a step that stored prefixes get however much others want."""


SHORT_IN_A_ROW = 8
"""Steps that are kept short one after the other, at most."""


@dataclass(frozen=True)
class OtherTokens:
    """Tokens that requests could compute in this step beside stored prefixes.

    Attributes:
        decode: Of requests that decode.
        new_text: Of prompts behind their stored prefixes, running or about to be admitted.
        ending: How many prompts can end in this step.
    """

    decode: int = 0
    new_text: int = 0
    ending: int = 0


@dataclass(frozen=True)
class StepPrice:
    """What a step costs whom.

    Attributes:
        fixed: Seconds of a step with nothing in it.
        token: Seconds of each token.
        in_line: Requests that wait for compute of stored prefixes, their own or those of others.
    """

    fixed: float
    token: float
    in_line: int

    def worth(self, tokens: int, spare: Sequence[float]) -> int:
        """Tokens of stored prefixes that are worth computing in a step, `tokens` at most.

        Args:
            tokens: That could be computed.
            spare: Of each request that could go on before the step ends, the seconds for which it waits anyway.
        """
        held_up = sum(max(0.0, tokens * self.token - seconds) for seconds in spare)
        return int(min(spare) / self.token) if held_up > self.in_line * self.fixed else tokens


@dataclass
class StepBudget:
    """Gives stored prefixes their tokens, step by step.

    Attributes:
        step_tokens: Tokens of a whole step.
        left: Tokens that stored prefixes may still have in this step; None until the first one asks.
    """

    step_tokens: int
    left: int | None = field(default=None, init=False)
    _price: StepPrice | None = field(default=None, init=False)
    _short: bool = field(default=False, init=False)
    _in_a_row: int = field(default=0, init=False)

    def begin(self) -> None:
        """A step begins."""
        if self.left is not None:
            self._in_a_row = self._in_a_row + 1 if self._short else 0
        self.left, self._short = None, False

    def open(
        self, others: OtherTokens, share: float, price: StepPrice | None, loads_end_in: Iterable[float] = ()
    ) -> None:
        """The first stored prefix asks for tokens.

        Args:
            others: What everybody else wants.
            share: As for `prefix_tokens`.
            price: None while no step was measured.
            loads_end_in: Of each request that only waits for loads, seconds until they have come.
        """
        self.left, self._price = prefix_tokens(self.step_tokens, others, share), price
        self._keep_short([0.0] * others.ending + list(loads_end_in))

    def take(self, tokens: int, loads_later: float | None) -> None:
        """A stored prefix computes so many tokens in this step.

        Args:
            tokens: At most those that are left, but for one where a request is being admitted.
            loads_later: Where that is all it computes, seconds from then until its loads have come; else None.
        """
        self.left = max(0, (self.left or 0) - tokens)
        if tokens and loads_later is not None:
            self._keep_short([loads_later])

    def _keep_short(self, spare: Sequence[float]) -> None:
        if self.left and self._price and spare and self._in_a_row < SHORT_IN_A_ROW:
            worth = self._price.worth(self.left, spare)
            self._short |= worth < self.left
            self.left = min(worth, self.left)


def prefix_tokens(step_tokens: int, others: OtherTokens, share: float) -> int:
    """Tokens of a step in which stored prefixes may be computed, all of them together.

    Args:
        step_tokens: Tokens of the whole step.
        others: Of everybody else.
        share: Part of the step that stored prefixes may take at most while others want tokens.
    """
    wanted = others.decode + others.new_text
    if not wanted:
        return step_tokens
    left = min(step_tokens - wanted, int(share * step_tokens))
    return max(left, int(FLOOR * step_tokens), 1)
