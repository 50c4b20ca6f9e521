"""What was measured of the codecs: for the contract, which compares `qualityFloor` with it, and for who chooses one."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from benchmarks.quality.safety import LEAST_AGREEMENT, LEAST_SCORE, MOST_PERPLEXITY
from cake_engine.codec_names import CodecName

_PUBLISHED = Path(__file__).resolve().parents[2] / "docs/benchmarks/codecs.json"

_MODULE = '''\
"""What is published of lossy codecs; made from docs/benchmarks/codecs.json by `make generate`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SHARES: Mapping[str, float] = MappingProxyType({shares})
"""By a codec's name, the share of next tokens that stayed what they are with exact blocks, rounded down."""
'''

_INTRODUCTION = """\
# Codecs

What `make bench-quality` found and published; made from `docs/benchmarks/codecs.json` by `make generate`.
[Choose one](../how-to/codecs.md) says what they are for, and [the format](store-format.md#block-file) what they write.

{origin}

| codec | what comes back | bytes | same next tokens | perplexity over exact | highest `qualityFloor` | safe |
| --- | --- | ---: | ---: | ---: | ---: | --- |
"""

_SAFE = f"""
A lossy codec is called **safe** when it kept at least {LEAST_AGREEMENT:.2f} of the next tokens, when perplexity was
at most {MOST_PERPLEXITY:.2f} of what it is with exact blocks, and when the score of the tasks was at most
{-LEAST_SCORE:.2f} lower. What was not measured is not safe, and a `qualityFloor` for it can be 0 only. All of it is
of one small model: `make bench-quality ARGS="--model FOLDER"` measures yours.
"""


def module() -> str:
    """The module cake_engine.measured_quality."""
    codecs = _published().get("codecs", {})
    shares = {
        name.value: math.floor(100 * codecs[name]["agreement"]) / 100
        for name in CodecName
        if name in codecs and not name.exact
    }
    lines = "".join(f'        "{name}": {share},\n' for name, share in shares.items())
    return _MODULE.replace("({shares})", f"(\n    {{\n{lines}    }}\n)" if shares else "({})")


def page() -> str:
    """The page docs/reference/codecs.md."""
    run = _published()
    origin = (
        f"{run['date']}, {run['model']}, {run['positions']} next tokens." if run else "No run has been published yet."
    )
    codecs = run.get("codecs", {})
    return _INTRODUCTION.format(origin=origin) + "".join(_row(name, codecs) for name in CodecName) + _SAFE


def _row(name: CodecName, codecs: dict[str, Any]) -> str:
    back = "every bit" if name.exact else "nearly the same numbers"
    found = codecs.get(name)
    if found is None:
        figures = ["not measured", "", "", "" if name.exact else "0", "yes" if name.exact else "no"]
    else:
        figures = [
            f"{found['size']:.2f}",
            f"{found['agreement']:.3f}",
            f"{found['perplexity'] / codecs[CodecName.RAW]['perplexity']:.3f}",
            "" if name.exact else f"{math.floor(100 * found['agreement']) / 100:.2f}",
            "yes" if found["safe"] else "no",
        ]
    return f"| {' | '.join([f'`{name}`', back, *figures])} |\n"


def _published() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_PUBLISHED.read_text()) if _PUBLISHED.is_file() else {}
    return found
