"""Sizes of the models that are measured; their weights are drawn at random, as no figure here hangs on them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """A Llama.

    Attributes:
        hidden: Numbers of a token between layers.
        heads: Of queries.
        kv_heads: Of keys and values; fewer than `heads` with grouped queries.
        inner: Numbers of a token within the feed-forward part.
        rope_base: Of the angles of positions.
    """

    name: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    inner: int
    vocabulary: int
    rope_base: float = 10_000.0

    @property
    def head_size(self) -> int:
        """Channels of one head."""
        return self.hidden // self.heads

    @property
    def kv_numbers(self) -> int:
        """Keys and values of one token, in all layers."""
        return 2 * self.layers * self.kv_heads * self.head_size

    @property
    def weights(self) -> int:
        """Parameters that a step reads: all but the embedding."""
        attention = self.hidden * self.head_size * (2 * self.heads + 2 * self.kv_heads)
        return self.layers * (attention + 3 * self.hidden * self.inner) + self.hidden * self.vocabulary


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("llama-2-7b", 32, 4096, 32, 32, 11008, 32000),
        Shape("llama-2-13b", 40, 5120, 40, 40, 13824, 32000),
        Shape("llama-3.1-8b", 32, 4096, 32, 8, 14336, 128256, rope_base=500_000.0),
        Shape("tiny", 4, 256, 4, 2, 704, 512),
    )
}
"""Sources: the config.json of each model. The paper's LongAlpaca models are Llama 2 by shape."""
