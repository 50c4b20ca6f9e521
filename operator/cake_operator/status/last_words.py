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


def last_words(log: str) -> str:
    """The line that tells most of an end; empty where nothing was logged."""
    lines = [bare for line in log.splitlines() if (bare := _PREFIX.sub("", line).strip())]
    if not lines:
        return ""
    errors = [number for number, line in enumerate(lines) if _EXCEPTION.search(line)]
    causes = [number for number in errors if not _ECHO.search(lines[number])] or errors
    if not causes:
        return lines[-1]
    told = lines[causes[-1]]
    model = _PYDANTIC.search(told)
    faults = _faults(lines[causes[-1] + 1 :]) if model is not None else []
    return f"{model['model']}: {'; '.join(faults)}" if model is not None and faults else told


def _faults(lines: Sequence[str]) -> list[str]:
    """What pydantic says below its headline: for each fault a place (or none), a message, and where to read more.

    What comes after the last of them is of somebody else.
    """
    faults: list[str] = []
    parts: list[str] = []
    for line in lines:
        if line.startswith(_PYDANTIC_END):
            faults.append(": ".join(parts))
            parts = []
        elif " [type=" not in " ".join(parts):
            parts.append(line)
    return [fault.split(" [type=")[0].removeprefix("Value error, ") for fault in faults]
