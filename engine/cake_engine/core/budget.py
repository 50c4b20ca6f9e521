"""Who computes how many tokens in a step: decode, then new text, then stored prefixes.

What is stored can also be loaded, and what decodes or is new cannot: so a stored prefix is computed with the tokens
that nobody else needs. It always gets a few, or a prefix whose chunks turn out to be lost would never be filled.
"""

from __future__ import annotations

from dataclasses import dataclass

FLOOR = 1 / 16
"""Part of a step that stored prefixes get however much others want."""


@dataclass(frozen=True)
class OtherTokens:
    """Tokens that requests could compute in this step beside stored prefixes.

    Attributes:
        decode: Of requests that decode.
        new_text: Of prompts behind their stored prefixes, running or about to be admitted.
    """

    decode: int = 0
    new_text: int = 0


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
