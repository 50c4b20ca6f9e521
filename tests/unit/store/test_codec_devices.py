"""The arithmetic of lossy codecs, on a device that is not the processor.

Torch's device "meta" has shapes and no numbers: an operation that needs them on the processor fails there, as does one
that mixes two devices.
"""

from __future__ import annotations

import pytest
import torch

from cake_engine.store.codecs import affine, cachegen
from cake_engine.store.codecs.planes import PlaneNumbers
from tests.unit.store.blocks_of_numbers import TYPES, Shape

META = torch.device("meta")
SHAPE = Shape(layers=3, heads=2, tokens=32, channels=64)


@pytest.mark.parametrize("dtype", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("bits", [8, 4, 2])
def test_groups_are_coded_and_decoded_there(bits: int, dtype: torch.dtype) -> None:
    groups = torch.empty(3, 2, 1, 32, 64, device=META)
    low, high = groups.amin(-2, keepdim=True), groups.amax(-2, keepdim=True)
    steps, codes = affine._steps_and_codes(groups, low, high, bits, dtype)
    back = affine._numbers_of(low.to(dtype), steps, codes, bits)

    assert {steps.device, codes.device, back.device} == {META}
    assert back.shape == groups.shape
    assert codes.shape[-2] == 32 * bits // 8


def test_differences_are_coded_and_decoded_there() -> None:
    tokens = cachegen._Tokens.of(32)
    numbers = torch.empty(3, 2, 32, 64, device=META)
    coded = cachegen._steps_and_codes(numbers, torch.ones(3, 1, 1, 1), tokens)
    anchors, differences = (cachegen._numbers_of(exponents, codes) for exponents, codes in coded)
    back = tokens.joined(anchors, differences)

    assert {anchors.device, differences.device, back.device} == {META}
    assert back.shape == numbers.shape


@pytest.mark.parametrize("order", [Shape.dense, Shape.tiled])
def test_numbers_are_found_and_put_back_there(order: object) -> None:
    layout = order(SHAPE)  # type: ignore[operator]
    block = torch.empty(SHAPE.bytes // 2, dtype=torch.bfloat16, device=META)
    for plane in (layout.keys, layout.values):
        numbers = PlaneNumbers(layout, plane)
        for piece in numbers.pieces():
            found = numbers.read(block, piece)
            numbers.write(block, piece, found.float())
            assert found.device == META
