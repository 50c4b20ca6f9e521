"""What an engine's last words mean, where that is known: a reason for programs, and what to do for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["Cause", "cause_of"]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why engines end with certain words.

    Attributes:
        reason: One CamelCase word, as conditions have it.
        words: What vLLM, transformers, the hub's client or torch say then.
        advice: What to do.
    """

    reason: str
    words: re.Pattern[str]
    advice: str


_CAUSES: Final = (
    Cause(
        "ModelMissing",
        re.compile(
            r"Invalid repository ID or local directory|is not a local folder and is not a valid model|"
            r"does not appear to have a file named|Repo id must be in the form|Cannot find any model weights|"
            r"(Repository|Revision|Entry)NotFoundError|We couldn't connect to",
        ),
        "see spec.model.source: whether the folder on the claim, or the repository and its revision, is there",
    ),
    Cause(
        "ModelForbidden",
        re.compile(r"GatedRepoError|gated repo|401 Client Error|403 Client Error"),
        "give spec.model.source.huggingFace.tokenSecretRef a token that may read the repository",
    ),
    Cause(
        "OutOfGPUMemory",
        re.compile(
            r"CUDA out of memory|torch\.OutOfMemoryError|No available memory for the cache blocks|"
            r"larger than the available KV cache memory|Free memory on device",
        ),
        "lower --max-model-len or raise --gpu-memory-utilization in spec.engine.args, or raise"
        " spec.engine.tensorParallelSize",
    ),
)


def cause_of(words: str) -> Cause | None:
    """The cause that an engine's last words tell of; None where they have to speak for themselves."""
    return next((cause for cause in _CAUSES if cause.words.search(words)), None)
