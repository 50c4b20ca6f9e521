"""What a command says when it cannot be run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


class UsageError(ValueError):
    """A command that cannot be run; its text is one sentence for the person who wrote it."""


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Turn a folder that cannot be read into a sentence about it.

    Raises:
        UsageError: It, or what is in it, cannot be read.
    """
    try:
        yield
    except OSError as error:
        what = error.filename or folder
        raise UsageError(f"{what}: cannot be read ({error.strerror}); give the folder of a tier.") from None
