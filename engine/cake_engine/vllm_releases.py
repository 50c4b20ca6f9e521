"""The releases of vLLM that Cake runs on: each has an adapter, and all others are refused.

Cake reaches into parts of vLLM that change without notice, and a wrong guess there would be a wrong answer. So it
starts on releases that its tests ran on, and says on any other what to install.
"""

from __future__ import annotations

import re

RELEASES = ("0.32", "0.33")
"""In their order; `cake_engine.vllm.adapter` has a module for each."""


class UnsupportedError(RuntimeError):
    """This vLLM, model or setting cannot be served exactly by Cake; the text says why and what to do."""


def release_of(version: str) -> str:
    """The supported release that a version of vLLM belongs to.

    Args:
        version: As vLLM names itself, such as "0.32.1+cpu"; builds before a release are none.

    Raises:
        UnsupportedError: There is no adapter for it.
    """
    known = re.fullmatch(r"(\d+\.\d+)\.\d+(?:\.post\d+)?(?:\+.*)?", version)
    if known and known[1] in RELEASES:
        return known[1]
    raise UnsupportedError(
        f"Cake supports vLLM {' and '.join(RELEASES)}, and this is {version}. It uses private parts of vLLM and was "
        f"tested on those releases alone: install vllm=={RELEASES[-1]}.0, or serve without Cake."
    )
