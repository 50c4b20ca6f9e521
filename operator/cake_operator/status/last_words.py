"""Why an engine ended, out of the last lines of its log: the one that tells, without what loggers put before it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["last_words"]

# vLLM: "(EngineCore pid=77) " before every line of a process, "ERROR 11-22 19:45:01 [core.py:842] " before a message.
_PREFIX: Final = re.compile(r"^(\([^()]*pid=\d+\)\s*)?([A-Z]+ \d\d-\d\d \d\d:\d\d:\d\d (\[[^\]]*\])?\s*)?")
_EXCEPTION: Final = re.compile(r"^[\w.]*(Error|Exception|Exit)\b(: |$)|\berror: ")
# An error that says no more than that there was another one before it.
_ECHO: Final = re.compile(r"root cause above|initialization failed|EngineDeadError")
_PYDANTIC: Final = re.compile(r"\d+ validation errors? for (?P<model>\w+)$")
_PYDANTIC_END: Final = "For further information visit"
_PYDANTIC_DETAIL: Final = " [type="


def last_words(log: str) -> str:
    """The line that tells most of an end; empty where nothing was logged."""
    lines = [bare for line in log.splitlines() if (bare := _PREFIX.sub("", line).strip())]
    if not lines:
        return ""
    errors = [number for number, line in enumerate(lines) if _EXCEPTION.search(line) and _PYDANTIC_DETAIL not in line]
    causes = [number for number in errors if not _ECHO.search(lines[number])]
    if not causes:  # the kubelet keeps 2 KiB: of many faults the headline is cut off
        return "; ".join(_faults(lines)) or lines[errors[-1] if errors else -1]
    told = lines[causes[-1]]
    model = _PYDANTIC.search(told)
    faults = _faults(lines[causes[-1] + 1 :]) if model is not None else []
    return f"{model['model']}: {'; '.join(faults)}" if model is not None and faults else told


def _faults(lines: Sequence[str]) -> list[str]:
    """What pydantic says below its headline: for each fault a place (or none), a message, and where to read more.

    What comes after the last of them is of somebody else. One that lacks its message, because the log begins in the
    middle of it, is left out.
    """
    faults: list[str] = []
    parts: list[str] = []
    for line in lines:
        if line.startswith(_PYDANTIC_END):
            faults.append(": ".join(parts))
            parts = []
        elif _PYDANTIC_DETAIL not in " ".join(parts):
            parts.append(line.removeprefix("Value error, "))
    return [fault.split(_PYDANTIC_DETAIL, maxsplit=1)[0] for fault in faults if _PYDANTIC_DETAIL in fault]
