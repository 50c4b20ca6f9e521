"""Numbers as steps above the least of their group: what Int8 and KIVI share.

    number = low + code * step        code: 0 to 2^bits - 1

Keys are grouped by channel, over tokens, since some channels are far larger than others in all tokens; values by token,
over channels (KIVI, arXiv 2402.02750). `low` is a number of the group and `step` is rounded up, both in the block's own
type, so a decoded number is within half a step of the one that was encoded, and rounded to its type once more.

A payload has the parts below, each for all (workers, layers, heads, groups) in this order of axes, keys before values.
Within a group of n numbers of b bits, byte j holds those of j, j + n * b / 8, j + 2 * n * b / 8 ..., lowest bits first.

    part    bytes              axes
    lows    a number's         worker, layer, head, group, channel        (keys: one for each channel of a group of
    steps   a number's         the same                                    tokens; values: "channel" is 1 and groups
    codes   1                  ..., group, byte of the group, channel      go through each token's channels in turn)

A block with a number that is not finite, or larger than a quarter of the largest that its type has, is kept as it is:
it is exact then, and its payload is as long as the block, which no other payload is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from cake_engine.store.codecs.planes import PlaneNumbers, largest_of, type_of
from cake_engine.store.codecs.raw import RawCodec
from cake_engine.store.layout import BlockLayout, Plane

_AS_IT_IS = RawCodec()


class AffineCodec:
    """A codec of groups, for blocks of one layout; called from many threads, which share nothing.

    Attributes:
        identifier: Of the codec.
        bits: Of a code.
        key_tokens: Tokens of a group of keys; None for all of the block.
        value_channels: Channels of a group of values; None for all of the head.
    """

    identifier: ClassVar[int]
    bits: ClassVar[int]
    key_tokens: ClassVar[int | None]
    value_channels: ClassVar[int | None]

    def __init__(self, layout: BlockLayout) -> None:
        """Lay out the payload.

        Raises:
            ValueError: Such blocks are of other numbers, or too small to become smaller.
        """
        self._type = type_of(layout)
        self._width = self._type.itemsize
        _, tokens, _ = layout.keys.shape
        _, _, channels = layout.values.shape
        keys = _Grouping.of(layout, layout.keys, along=self.key_tokens or tokens, by_channel=True)
        values = _Grouping.of(layout, layout.values, along=self.value_channels or channels, by_channel=False)
        self._groupings = (keys, values)
        if any(grouping.length * self.bits % 8 for grouping in self._groupings):
            raise ValueError(f"groups of {keys.length} tokens and {values.length} channels fill no whole bytes")
        self._payload_bytes = sum(
            2 * self._width * math.prod(self._lows(g)) + math.prod(self._codes(g)) for g in self._groupings
        )
        numbers = sum(math.prod(g.shape) for g in self._groupings)
        if self._payload_bytes >= numbers * self._width:
            raise ValueError(f"blocks of {tokens} tokens of {channels} channels do not become smaller")

    @property
    def error_bound(self) -> float:
        """Half a step of a group as wide as can be, its rounding up, and the rounding of the result."""
        rounding = torch.finfo(self._type).eps
        return (1 + rounding) / ((1 << self.bits) - 1) + rounding

    @property
    def ratio(self) -> float:
        """Bytes of a payload over those of the numbers in a block."""
        return self._payload_bytes / self._width / sum(math.prod(g.shape) for g in self._groupings)

    def bound(self, block_bytes: int) -> int:
        """A block that is kept as it is."""
        return block_bytes

    def encode(self, block: memoryview, payload: memoryview) -> int:
        """Write the groups, or the block where it has a number that they cannot hold."""
        numbers = torch.frombuffer(block, dtype=self._type)
        for grouping, (lows, steps, codes) in zip(self._groupings, self._parts(payload), strict=True):
            for piece in grouping.plane.pieces():
                groups = grouping.of_tokens(grouping.plane.read(numbers, piece))
                found = _groups_of(groups.float(), self.bits, self._type)
                if found is None:
                    return _AS_IT_IS.encode(block, payload)
                lows[piece], steps[piece], codes[piece] = found
        return self._payload_bytes

    def decode(self, payload: memoryview, block: memoryview) -> None:
        """Write the numbers of the block; padding stays as it was, but in a block that was kept as it is."""
        if payload.nbytes == block.nbytes:
            _AS_IT_IS.decode(payload, block)
            return
        if payload.nbytes != self._payload_bytes:
            raise ValueError(f"{payload.nbytes} bytes are not a payload of a block of {block.nbytes}")
        numbers = torch.frombuffer(block, dtype=self._type)
        for grouping, (lows, steps, codes) in zip(self._groupings, self._parts(payload), strict=True):
            for piece in grouping.plane.pieces():
                decoded = _numbers_of(lows[piece], steps[piece], codes[piece], self.bits)
                grouping.plane.write(numbers, piece, decoded)

    def _lows(self, grouping: _Grouping) -> tuple[int, ...]:
        workers, layers, heads, groups, _, channels = grouping.shape
        return workers, layers, heads, groups, 1, channels

    def _codes(self, grouping: _Grouping) -> tuple[int, ...]:
        workers, layers, heads, groups, length, channels = grouping.shape
        return workers, layers, heads, groups, length * self.bits // 8, channels

    def _parts(self, payload: memoryview) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Lows, steps and codes of the keys, then of the values; the first two of both come first, aligned."""
        offset = 0

        def take(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
            nonlocal offset
            count = math.prod(shape)
            part = torch.frombuffer(payload, dtype=dtype, count=count, offset=offset).view(shape)
            offset += count * dtype.itemsize
            return part

        scales = [(take(self._lows(g), self._type), take(self._lows(g), self._type)) for g in self._groupings]
        return [
            (lows, steps, take(self._codes(g), torch.uint8))
            for g, (lows, steps) in zip(self._groupings, scales, strict=True)
        ]


@dataclass(frozen=True)
class _Grouping:
    """The numbers of a plane in groups.

    Attributes:
        shape: Workers, layers, heads, groups, numbers of a group, channels that each group has apart (values: 1).
    """

    plane: PlaneNumbers
    shape: tuple[int, int, int, int, int, int]

    @classmethod
    def of(cls, layout: BlockLayout, plane: Plane, *, along: int, by_channel: bool) -> _Grouping:
        """Groups of so many numbers, or of as many fewer as divide the axis."""
        numbers = PlaneNumbers(layout, plane)
        workers, layers, heads, tokens, channels = numbers.shape
        length = math.gcd(along, tokens if by_channel else channels)
        groups = tokens // length if by_channel else tokens * channels // length
        return cls(numbers, (workers, layers, heads, groups, length, channels if by_channel else 1))

    @property
    def length(self) -> int:
        """Numbers of a group."""
        return self.shape[4]

    def of_tokens(self, piece: torch.Tensor) -> torch.Tensor:
        """A piece by its groups, of shape (layers, heads, groups, numbers, channels)."""
        return piece.reshape(*piece.shape[:2], *self.shape[3:])


def _groups_of(
    numbers: torch.Tensor, bits: int, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None:
    """Lows, steps and packed codes of groups along the last axis but one; None where a number is out of range."""
    low, high = numbers.amin(-2, keepdim=True), numbers.amax(-2, keepdim=True)
    limit = largest_of(dtype)
    if not bool((low.amin() >= -limit) & (high.amax() <= limit)):  # also where one is not a number
        return None
    return low.to(dtype), *_steps_and_codes(numbers, low, high, bits, dtype)


def _steps_and_codes(
    numbers: torch.Tensor, low: torch.Tensor, high: torch.Tensor, bits: int, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Steps and packed codes of groups between these numbers."""
    levels = (1 << bits) - 1
    step = _rounded_up((high - low) / levels, dtype)
    divisor = step.float()
    codes = ((numbers - low) / divisor.masked_fill(divisor == 0, 1)).round_().clamp_(0, levels).to(torch.uint8)
    return step, _packed(codes, bits)


def _numbers_of(low: torch.Tensor, step: torch.Tensor, codes: torch.Tensor, bits: int) -> torch.Tensor:
    """The numbers of groups, in 32 bits."""
    return _unpacked(codes, bits).float().mul_(step.float()).add_(low.float())


def _rounded_up(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The least numbers of a type that are no smaller; of values that are not negative."""
    rounded = values.to(dtype)
    if dtype is torch.float32:
        return rounded
    bits = rounded.view(torch.int16)
    return (bits + (rounded.float() < values).to(torch.int16)).view(dtype)


def _packed(codes: torch.Tensor, bits: int) -> torch.Tensor:
    """Several codes to a byte: parts of the group, one above the other."""
    parts = codes.chunk(8 // bits, dim=-2)
    packed = parts[0]
    for place, part in enumerate(parts[1:], start=1):
        packed = packed | part << place * bits
    return packed


def _unpacked(codes: torch.Tensor, bits: int) -> torch.Tensor:
    if bits == 8:
        return codes
    mask = (1 << bits) - 1
    return torch.cat([codes >> place & mask for place in range(0, 8, bits)], dim=-2)
