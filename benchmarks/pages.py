"""What benchmarks write for people: a page from its template, a drawing, and the machine that it is from."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from matplotlib.figure import Figure


def rendered(template: Path, *, trim_blocks: bool = False, **values: Any) -> str:
    """A page, in Markdown.

    Args:
        template: Its Jinja template; a name in it that has no value is an error.
        trim_blocks: Whether the end of a line after a tag is left out.
        values: What the template asks for.
    """
    environment = Environment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, trim_blocks=trim_blocks
    )
    return environment.from_string(template.read_text()).render(**values)


def svg_of(figure: Figure) -> str:
    """A drawing as SVG, without a date: the same figures give the same file where `svg.hashsalt` is set."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def machine() -> str:
    """The machine in words."""
    lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    name = next((value.strip() for key, _, value in lines if key.strip() == "model name"), "an unknown processor")
    return f"{len(os.sched_getaffinity(0))} cores of {name}"
