"""Whole numbers in as few bits as their frequencies allow, by the arithmetic coder of the library constriction.

Numbers come in runs, each of which has a table: how often each size occurs in it, plus and minus taken together. The
tables travel before what they encode, so nothing has to be known but how many runs there are, and how long each is.

    part     bytes       for each run, in their order
    largest  1           the largest size L of the run, 1 to 255
    weights  1 each      of the sizes 0 to L; that of a size that occurs is not 0, and the greatest is 255

    part     bytes       once
    words    4 each      little-endian, as constriction's AnsCoder (asymmetric numeral systems) gives them

A number's model is its run's: the symbols -L to L with the weights of their sizes, in 64-bit floating point, as
constriction's `Categorical` takes them with `perfect=False`.
"""

from __future__ import annotations

from collections.abc import Sequence

import constriction
import numpy as np
from numpy.typing import NDArray

LARGEST = 255
"""The largest size of a number: it is said in one byte."""
_WORD = np.dtype("<u4")
_AT_ONCE = 16384
"""Numbers for which other threads wait, some half a millisecond: the library holds Python's lock."""

Codes = NDArray[np.int16]


def packed(runs: Sequence[Codes]) -> bytes:
    """Tables and words of runs, arrays of any shape, none of which is empty."""
    weights = [_weights_of(run) for run in runs]
    coder = constriction.stream.stack.AnsCoder()
    for run, table in zip(reversed(runs), reversed(weights), strict=True):  # a stack: the last in is the first out
        symbols, model = run.ravel().astype(np.int32) + (len(table) - 1), _model(table)
        for start in reversed(range(0, symbols.size, _AT_ONCE)):
            coder.encode_reverse(symbols[start : start + _AT_ONCE], model)
    tables = b"".join(bytes([len(table) - 1]) + table.tobytes() for table in weights)
    words: NDArray[np.uint32] = coder.get_compressed()
    return tables + words.astype(_WORD).tobytes()


def unpacked(content: memoryview, lengths: Sequence[int]) -> list[Codes]:
    """The runs of `packed`. What is allocated is told by the lengths, whatever the content says.

    Raises:
        ValueError: The content is not of such runs.
    """
    tables, words = _taken_apart(content, len(lengths))
    try:
        coder = constriction.stream.stack.AnsCoder(words)
    except ValueError as error:
        raise ValueError(f"not the words of an arithmetic coder: {error}") from None
    runs = []
    for table, length in zip(tables, lengths, strict=True):
        run, model = np.empty(length, np.int16), _model(table)
        for start in range(0, length, _AT_ONCE):
            part = run[start : start + _AT_ONCE]
            part[:] = coder.decode(model, part.size) - (len(table) - 1)
        runs.append(run)
    if not coder.is_empty():
        raise ValueError("there is more in it than such runs")
    return runs


def _weights_of(run: Codes) -> NDArray[np.uint8]:
    """Of the sizes 0 to the largest; a size that occurs twice as a number and twice as its negative has weight 2."""
    counts = np.bincount(np.abs(run).ravel(), minlength=2).astype(np.float64)
    counts[1:] /= 2
    weights: NDArray[np.uint8] = np.ceil(counts * 255 / counts.max()).astype(np.uint8)
    return weights


def _model(table: NDArray[np.uint8]) -> object:
    symmetric = np.concatenate([table[:0:-1], table]).astype(np.float64)
    return constriction.stream.model.Categorical(symmetric, perfect=False)


def _taken_apart(content: memoryview, runs: int) -> tuple[list[NDArray[np.uint8]], NDArray[np.uint32]]:
    tables = []
    rest = np.frombuffer(content, np.uint8)
    for _ in range(runs):
        end = 2 + int(rest[0]) if rest.size else 0
        table = rest[1:end]
        if not 3 <= end <= rest.size or not table.any():
            raise ValueError("a table of weights is missing, cut or empty")
        tables.append(table)
        rest = rest[end:]
    if rest.size % _WORD.itemsize:
        raise ValueError(f"{rest.size} bytes are not whole words")
    return tables, rest.view(_WORD).astype(np.uint32)
