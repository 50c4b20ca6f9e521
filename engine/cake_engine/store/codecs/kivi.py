"""KIVI (arXiv 2402.02750): four or two bits a number, in groups of 32: tokens of a channel, or channels of a token.

KIVI keeps the latest tokens as they are, since a group needs its tokens complete. Blocks are stored complete or not at
all, so that tail is what follows the last stored block of a prompt: it is computed, exactly, whatever the codec.
"""

from __future__ import annotations

from cake_engine.store.codecs.affine import AffineCodec

_GROUP = 32
"""As in the paper: smaller groups are more exact and have more lows and steps to store."""


class Kivi4Codec(AffineCodec):
    """Four bits."""

    identifier = 4
    bits = 4
    key_tokens = _GROUP
    value_channels = _GROUP


class Kivi2Codec(AffineCodec):
    """Two bits."""

    identifier = 5
    bits = 2
    key_tokens = _GROUP
    value_channels = _GROUP
