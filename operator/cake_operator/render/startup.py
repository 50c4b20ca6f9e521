"""How long an engine may take until it answers: what the user says, or what starts were seen to need."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, Final

from cake_operator.api import EngineSpec

__all__ = ["allowance_of", "first_allowance", "startup_allowance", "startup_annotations"]

# Generous: a start that hangs costs its pod's time alone, one that is ended too early costs the whole load again.
UNMEASURED_SECONDS: Final = 1800
# Starts take longer than any before where many pods read one file server at once, or a node's page cache is cold.
MARGIN: Final = 3

ALLOWANCE_ANNOTATION: Final = "cake.dev/startup-seconds"
TEMPLATE_ANNOTATION: Final = "cake.dev/template-hash"


def first_allowance(engine: EngineSpec) -> int:
    """Seconds that a start is allowed before any was seen."""
    timeout = engine.startup_timeout
    return UNMEASURED_SECONDS if timeout is None else math.ceil(timeout.seconds)


def startup_allowance(
    engine: EngineSpec, template: Mapping[str, Any], present: Mapping[str, Any] | None, longest: int | None
) -> int:
    """Seconds that a start is allowed.

    Another number is another pod template, which restarts every pod. So what was measured is taken up with the next
    change that replaces the pods anyway, and the present number stays until then.

    Args:
        engine: What the user asks for; a `startupTimeout` is the last word.
        template: The pod template with the first allowance.
        present: The Deployment as it is; None before there is one.
        longest: Seconds of the longest start that was seen; None before there was one.
    """
    first = first_allowance(engine)
    if engine.startup_timeout is not None:
        return first
    allowed = allowance_of(present)
    if allowed is not None and _annotations(present).get(TEMPLATE_ANNOTATION) == _hash_of(template):
        return max(first, allowed)
    return max(first, MARGIN * (longest or 0))


def startup_annotations(template: Mapping[str, Any], seconds: int) -> dict[str, str]:
    """What a Deployment remembers of its allowance: the number, and the pod template that it came with.

    Args:
        template: The pod template with the first allowance.
        seconds: What a start is allowed.
    """
    return {ALLOWANCE_ANNOTATION: str(seconds), TEMPLATE_ANNOTATION: _hash_of(template)}


def allowance_of(deployment: Mapping[str, Any] | None) -> int | None:
    """Seconds that a Deployment as it is allows a start; None where it does not say."""
    allowed = _annotations(deployment).get(ALLOWANCE_ANNOTATION, "")
    return int(allowed) if allowed.isdecimal() else None


def _annotations(deployment: Mapping[str, Any] | None) -> Mapping[str, str]:
    return ((deployment or {}).get("metadata") or {}).get("annotations") or {}


def _hash_of(template: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:16]
