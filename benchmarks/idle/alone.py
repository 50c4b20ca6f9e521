"""A function in a process of its own: vLLM keeps its connector in a global, so a process can have one engine."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def alone(log: Path, function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Call it there; what it and vLLM print goes to `log`."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=_say_to, initargs=(log,)) as process:
        return process.submit(function, *arguments, **options).result()


def _say_to(log: Path) -> None:
    with log.open("w") as lines:
        os.dup2(lines.fileno(), 1)
        os.dup2(lines.fileno(), 2)
