"""`python -m dashboards`: pictures of the dashboards from a Prometheus, for those who have no Grafana at hand."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from dashboards import all_dashboards
from dashboards.asking import Prometheus, QueryError
from dashboards.drawing import draw
from dashboards.layout import json_of

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line.

    Returns:
        0; 2 where Prometheus could not be asked.
    """
    parser = argparse.ArgumentParser(prog="python -m dashboards", description=__doc__)
    parser.add_argument("prometheus", help="its address, such as http://localhost:9090")
    parser.add_argument("folder", type=Path, help="where the pictures go: fleet.png, deployment.png, claim.png")
    parser.add_argument("--only", nargs="+", choices=all_dashboards(), help="these dashboards (default: all)")
    parser.add_argument("--minutes", type=float, default=60, help="how far back (default: %(default)s)")
    parser.add_argument("--rate-interval", default="1m", help="over which rates are taken (default: %(default)s)")
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--deployment", required=True, help="for the dashboard of one CakeDeployment")
    parser.add_argument("--claim", default="", help="for the dashboard of one claim")
    options = parser.parse_args(arguments)
    chosen = {name: getattr(options, name) for name in ("namespace", "deployment", "claim")}
    end = time.time()
    source = Prometheus(
        options.prometheus.rstrip("/"),
        {**chosen, "__rate_interval": options.rate_interval},
        end - 60 * options.minutes,
        end,
    )
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, dashboard in all_dashboards().items():
        if name not in (options.only or all_dashboards()):
            continue
        try:
            empty = draw(json.loads(json_of(dashboard)), source, options.folder / f"{name}.png")
        except QueryError as error:
            print(f"python -m dashboards: {error}", file=sys.stderr)
            return 2
        print(f"{options.folder / name}.png" + (f" (nothing to show in: {', '.join(empty)})" if empty else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
