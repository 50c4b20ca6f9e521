"""faults.json and faults.md, for programs and for people; two figures of them go to the operator's page."""

import datetime
import json
from pathlib import Path
from typing import Any

from benchmarks.operator.report import tell_of_faults
from benchmarks.pages import machine, rendered

TEMPLATE = Path(__file__).with_name("page.md.jinja")


def publish(found: dict[str, Any], folder: Path) -> None:
    """Write both files, and have the page of `make bench-operator` in the same folder tell of them.

    Args:
        found: As `outcome.summary` returns it.
        folder: Where they are written.
    """
    document = {"machine": machine(), "date": datetime.datetime.now(datetime.UTC).date().isoformat(), **found}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "faults.json").write_text(json.dumps(document, indent=1) + "\n")
    (folder / "faults.md").write_text(rendered(TEMPLATE, trim_blocks=True, run=document))
    tell_of_faults(folder)
