"""Pictures of drawings, made by the components that Grafana itself draws with (`browser/page`)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from browser.scripts import run

__all__ = ["draw"]

COLOURS = 48
"""Of a picture: lines and text need no more, and the file is a quarter of the size."""


def draw(documents: Iterable[Path]) -> list[Path]:
    """Write a PNG beside the file of each drawing; returns the pictures.

    Raises:
        BrowserError: A program is missing, or the page complained.
    """
    pictures = {document: document.with_suffix(".png") for document in documents}
    run("draw.mjs", [{"document": str(of.resolve()), "picture": str(to.resolve())} for of, to in pictures.items()])
    for picture in pictures.values():
        with Image.open(picture) as drawn:
            smaller = drawn.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        smaller.save(picture, optimize=True)
    return list(pictures.values())
