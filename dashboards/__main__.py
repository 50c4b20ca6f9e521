"""`python -m dashboards`: the dashboards as Grafana would show them, from a Prometheus and without a Grafana.

Fails where a panel has nothing to show that should have something.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from browser.scripts import BrowserError
from dashboards import all_dashboards
from dashboards.asking import Prometheus, QueryError
from dashboards.drawing import Drawing, drawing
from dashboards.layout import json_of
from dashboards.pictures import draw

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line.

    Returns:
        0; 1 where a panel is empty; 2 where Prometheus could not be asked, or pictures could not be drawn.
    """
    options = _parser().parse_args(arguments)
    chosen = {name: getattr(options, name) for name in ("namespace", "deployment", "claim", "operator")}
    end = time.time()
    source = Prometheus(
        options.prometheus.rstrip("/"),
        {**chosen, "__rate_interval": options.rate_interval},
        end - 60 * options.minutes,
        end,
    )
    pages = {name: page for name, page in all_dashboards().items() if name in (options.only or all_dashboards())}
    try:
        drawings = {name: drawing(json.loads(json_of(page)), source) for name, page in pages.items()}
        written = _write(drawings, options.folder)
        if not options.data_only:
            draw(written)
    except (QueryError, BrowserError) as error:
        print(f"python -m dashboards: {error}", file=sys.stderr)
        return 2
    for name, one in drawings.items():
        print(f"{name}: " + (f"nothing to show in {', '.join(one.empty)}" if one.empty else "every panel has data"))
        for query in one.unanswered:
            print(f"  no series: {query}")
    return 1 if any(one.empty for one in drawings.values()) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dashboards", description=__doc__)
    parser.add_argument("prometheus", help="its address, such as http://localhost:9090")
    parser.add_argument("folder", type=Path, help="where NAME.png and the data in it, NAME.json, go")
    parser.add_argument("--only", nargs="+", choices=all_dashboards(), help="these dashboards (default: all)")
    parser.add_argument("--minutes", type=float, default=60, help="how far back (default: %(default)s)")
    parser.add_argument("--rate-interval", default="1m", help="over which rates are taken (default: %(default)s)")
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--deployment", required=True, help="for the dashboard of one CakeDeployment")
    parser.add_argument("--claim", default="", help="for the dashboard of one claim")
    parser.add_argument("--operator", default=".+", help="namespace of the operator (default: of any)")
    parser.add_argument("--data-only", action="store_true", help="no pictures: needs neither Node.js nor Chromium")
    return parser


def _write(drawings: dict[str, Drawing], folder: Path) -> list[Path]:
    """The documents as files; returns those."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, one in drawings.items():
        written.append(folder / f"{name}.json")
        written[-1].write_text(json.dumps(one.document))
    return written


if __name__ == "__main__":
    sys.exit(main())
