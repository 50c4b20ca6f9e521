"""CacheGen (arXiv 2310.07240): tokens as differences to an anchor among them, in steps graded by layer, in few bits.

    anchor = code * step                    the first of some ten tokens
    number = its anchor + code * step       the other tokens

Neighbouring tokens are alike, so differences are small; the first layers bear less noise than the last, so steps widen
with depth; and small codes are frequent, so an arithmetic coder makes them short. Each head of a block has a step, a
power of two: the largest no wider than its layer's `bin` times the root of the head's mean square difference, or the
least with which no code is larger than 255. So a decoded number is within half such a step, rounded to its type, and
the same on any machine. The anchors' step is made of a quarter of that width: ten tokens hang on one.

A difference is to the anchor as it will be decoded, not as it was: what the anchor lost is not lost again.

    part       bytes   axes
    exponents  1       worker, layer, head      base 2, signed: of the steps of the keys' anchors, of their differences,
                                                of the values' anchors, of their differences
    runs       ...     `entropy.packed`: the codes of the keys' anchors (worker, layer, head, anchor, channel); for each
                       layer those of their differences (worker, head, token, channel); then those of the values

The paper tells frequencies by layer and channel. By layer they travel here: a table for each kind of channel saved 2.5%
of SmolLM2-135M's codes, and would have taken more. A block with a number that is not finite or too large, and one that
would not become smaller, is kept as it is: its payload is as long as the block, and no other is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from cake_engine.store.codecs import entropy
from cake_engine.store.codecs.planes import PlaneNumbers, largest_of, type_of
from cake_engine.store.codecs.raw import RawCodec
from cake_engine.store.layout import BlockLayout

_GROUP = 10
"""Tokens to an anchor, or nearly: as in the paper."""
_GRADES = (0.75, 1.0, 1.25)
"""Of the bins in the first, the second and the last third of the layers; the paper's are 0.5, 1 and 1.5."""
_ANCHOR_SHARE = 0.25
_SQUARED = 2.0**48
"""Differences of numbers no larger can be squared and added up in 32 bits."""
_LEAST_EXPONENT = -126

_AS_IT_IS = RawCodec()


class CacheGenCodec:
    """A level of it, for blocks of one layout; called from many threads, which share nothing.

    Attributes:
        identifier: Of the codec.
        bin: Width of a step in the middle layers, over the root of the mean square difference: 1 in the paper.
    """

    identifier: ClassVar[int]
    bin: ClassVar[float]

    def __init__(self, layout: BlockLayout) -> None:
        """Part the tokens.

        Raises:
            ValueError: Such blocks are of other numbers, or of one token.
        """
        self._type = type_of(layout)
        self._limit = min(largest_of(self._type), _SQUARED)
        self._planes = tuple(PlaneNumbers(layout, plane) for plane in (layout.keys, layout.values))
        _, layers, _, tokens, _ = self._planes[0].shape
        if tokens < 2:
            raise ValueError("a block of one token has no differences between tokens")
        self._tokens = _Tokens.of(tokens)
        grades = [self.bin * _GRADES[3 * layer // layers] for layer in range(layers)]
        self._bins = torch.tensor(grades).view(-1, 1, 1, 1)

    @property
    def error_bound(self) -> float:
        """Half a step of differences that are all as large as can be: no number of a model comes near it."""
        rounding = torch.finfo(self._type).eps
        return min(2.0, self.bin * max(_GRADES)) * (1 + rounding) + rounding

    def bound(self, block_bytes: int) -> int:
        """A block that is kept as it is."""
        return block_bytes

    def encode(self, block: memoryview, payload: memoryview) -> int:
        """Write the steps and the codes, or the block where it has a number that they cannot hold or is no larger."""
        numbers = torch.frombuffer(block, dtype=self._type)
        found = [self._codes_of(plane, numbers) for plane in self._planes]
        coded = [one for one in found if one is not None]
        if len(coded) < len(found):
            return _AS_IT_IS.encode(block, payload)
        exponents = b"".join(one.exponents.numpy().tobytes() for one in coded)
        content = exponents + entropy.packed([run for one in coded for run in one.runs])
        if len(content) >= block.nbytes:
            return _AS_IT_IS.encode(block, payload)
        payload[: len(content)] = content
        return len(content)

    def decode(self, payload: memoryview, block: memoryview) -> None:
        """Write the numbers of the block, once all of the payload has proved good; padding stays as it was."""
        if payload.nbytes == block.nbytes:
            _AS_IT_IS.decode(payload, block)
            return
        try:
            coded = self._coded_in(payload)
        except ValueError as error:
            raise ValueError(
                f"{payload.nbytes} bytes are not a payload of a block of {block.nbytes}: {error}"
            ) from None
        numbers = torch.frombuffer(block, dtype=self._type)
        for plane, one in zip(self._planes, coded, strict=True):
            for piece in plane.pieces():
                anchors, differences = (_numbers_of(*part) for part in one.parts(piece))
                plane.write(numbers, piece, self._tokens.joined(anchors, differences))

    def _codes_of(self, plane: PlaneNumbers, numbers: torch.Tensor) -> _Coded | None:
        """None where a number is out of range."""
        coded = _Coded.empty(plane, self._tokens)
        for piece in plane.pieces():
            exact = plane.read(numbers, piece).float()
            if not bool(exact.abs().amax() <= self._limit):  # also where one is not a number
                return None
            found = _steps_and_codes(exact, self._bins[piece[1]], self._tokens)
            for (exponents, codes), (exponent, code) in zip(coded.parts(piece), found, strict=True):
                exponents.copy_(exponent)
                codes.copy_(code)
        return coded

    def _coded_in(self, payload: memoryview) -> list[_Coded]:
        """The steps and the codes of a payload.

        Raises:
            ValueError: They are not of such a block.
        """
        coded = [_Coded.empty(plane, self._tokens) for plane in self._planes]
        offset = 0
        for one in coded:
            exponents = np.frombuffer(payload[offset : offset + one.exponents.numel()], np.int8)
            if exponents.size != one.exponents.numel():
                raise ValueError("they end before all steps are told")
            if exponents.min() < _LEAST_EXPONENT:
                raise ValueError("a step is too small for a number")
            offset += exponents.size
            one.exponents.numpy()[...] = exponents.reshape(one.exponents.shape)
        places = [run for one in coded for run in one.runs]
        for place, run in zip(places, entropy.unpacked(payload[offset:], [p.size for p in places]), strict=True):
            place[...] = run.reshape(place.shape)
        return coded


class CacheGenFineCodec(CacheGenCodec):
    """A quarter of the paper's bins."""

    identifier = 6
    bin = 0.25


class CacheGenMediumCodec(CacheGenCodec):
    """Half of them."""

    identifier = 7
    bin = 0.5


class CacheGenCoarseCodec(CacheGenCodec):
    """As wide as the paper's."""

    identifier = 8
    bin = 1.0


@dataclass(frozen=True)
class _Tokens:
    """Which tokens of a block are anchors, and which one the others hang on.

    Attributes:
        anchors: Their places.
        others: Places of the rest.
        anchor_of: For each of the rest, the number of its anchor.
    """

    anchors: torch.Tensor
    others: torch.Tensor
    anchor_of: torch.Tensor

    @classmethod
    def of(cls, tokens: int) -> _Tokens:
        """Groups of ten, or as near as all can be of one size but for one token."""
        groups = max(1, round(tokens / _GROUP))
        anchors = torch.arange(groups) * tokens // groups
        places = torch.arange(tokens)
        group_of = torch.bucketize(places, anchors, right=True) - 1
        others = places[~torch.isin(places, anchors)]
        return cls(anchors, others, group_of[others])

    def joined(self, anchors: torch.Tensor, differences: torch.Tensor) -> torch.Tensor:
        """All tokens in their order, of shape (layers, heads, tokens, channels)."""
        layers, heads, groups, channels = anchors.shape
        all_of_them = anchors.new_empty(layers, heads, groups + differences.shape[2], channels)
        all_of_them[:, :, self.anchors] = anchors
        all_of_them[:, :, self.others] = anchors[:, :, self.anchor_of] + differences
        return all_of_them


@dataclass(frozen=True)
class _Coded:
    """The keys, or the values, of a block.

    Attributes:
        exponents: Of steps: (2, worker, layer, head, 1, 1), those of anchors first; 8 bits, signed.
        anchors: Codes: (worker, layer, head, anchor, channel), 16 bits.
        differences: Codes: (worker, layer, head, token, channel), likewise.
    """

    exponents: torch.Tensor
    anchors: torch.Tensor
    differences: torch.Tensor

    @classmethod
    def empty(cls, plane: PlaneNumbers, tokens: _Tokens) -> _Coded:
        """Room for the codes of a plane."""
        *outer, _, channels = plane.shape
        return cls(
            torch.empty((2, *outer, 1, 1), dtype=torch.int8),
            torch.empty((*outer, len(tokens.anchors), channels), dtype=torch.int16),
            torch.empty((*outer, len(tokens.others), channels), dtype=torch.int16),
        )

    def parts(self, piece: tuple[int, slice, slice]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Exponents and codes of a piece: of anchors, of differences."""
        return [
            (exponents[piece], codes[piece])
            for exponents, codes in zip(self.exponents, (self.anchors, self.differences), strict=True)
        ]

    @property
    def runs(self) -> list[entropy.Codes]:
        """Places of the codes, in the order of the payload."""
        anchors, differences = self.anchors.numpy(), self.differences.numpy()
        return [anchors, *(differences[:, layer] for layer in range(differences.shape[1]))]


def _steps_and_codes(
    numbers: torch.Tensor, bins: torch.Tensor, tokens: _Tokens
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Exponents and codes of anchors and of differences, for numbers of shape (layers, heads, tokens, channels)."""
    exact, others = numbers[:, :, tokens.anchors], numbers[:, :, tokens.others]
    apart = (others - exact[:, :, tokens.anchor_of]).square_().mean((-2, -1), keepdim=True).sqrt_()
    width = bins.to(numbers.device) * apart
    anchors = _coded(exact, width * _ANCHOR_SHARE)
    differences = _coded(others - _numbers_of(*anchors)[:, :, tokens.anchor_of], width)
    return [anchors, differences]


def _coded(numbers: torch.Tensor, width: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Exponents of the steps of heads, and codes: steps no wider than a width, unless codes would be too large."""
    _, wide = torch.frexp(width.clamp_min(math.ldexp(1, _LEAST_EXPONENT)))
    least = numbers.abs().amax((-2, -1), keepdim=True) / entropy.LARGEST
    fraction, narrow = torch.frexp(least.clamp_min(math.ldexp(1, _LEAST_EXPONENT)))
    exponents = torch.maximum(wide - 1, narrow - (fraction == 0.5).to(narrow.dtype))
    return exponents, (numbers / _powers_of_two(exponents)).round_()


def _numbers_of(exponents: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """In 32 bits, exactly."""
    return codes.float() * _powers_of_two(exponents)


def _powers_of_two(exponents: torch.Tensor) -> torch.Tensor:
    """By their bits: functions round as their library likes."""
    return (exponents.to(torch.int32) + 127 << 23).view(torch.float32)
