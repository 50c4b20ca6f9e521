"""One byte a number: keys in steps of their channel, values in steps of their token."""

from __future__ import annotations

from cake_engine.store.codecs.affine import AffineCodec


class Int8Codec(AffineCodec):
    """Groups as large as the block has them: a channel over all tokens, a token over all channels of a head."""

    identifier = 3
    bits = 8
    key_tokens = None
    value_channels = None
