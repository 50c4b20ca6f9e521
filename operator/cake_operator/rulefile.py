"""`python -m cake_operator.rulefile`: all rules as one file, for a Prometheus that no operator looks after.

Reads what `kubectl get cakedeployments -A -o json` prints, and writes a rule file with the alerts of the fleet and
those of each objective.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, TextIO

import yaml
from pydantic import ValidationError

from cake_operator.api import CakeDeployment
from cake_operator.observe.sampling import Sampling
from cake_operator.render.alerting import RUNBOOKS
from cake_operator.render.fleet_rules import fleet_group
from cake_operator.render.slo_rules import slo_groups

__all__ = ["main", "rule_file"]


def rule_file(resources: Iterable[CakeDeployment], window: timedelta, runbooks: str = RUNBOOKS) -> dict[str, Any]:
    """The document of a rule file.

    Args:
        resources: The CakeDeployments.
        window: Over which percentiles are taken.
        runbooks: What stands before the name of a runbook's page.
    """
    slos = (group for resource in resources for group in slo_groups(resource, window, runbooks))
    return {"groups": [fleet_group(runbooks), *slos]}


def main(arguments: Sequence[str] | None = None, source: TextIO = sys.stdin) -> int:
    """The command line.

    Returns:
        0; 1 where a CakeDeployment had to be left out; 2 where what was read is no list of them.
    """
    parser = argparse.ArgumentParser(prog="python -m cake_operator.rulefile", description=__doc__)
    parser.add_argument(
        "--scrape-interval",
        type=float,
        metavar="SECONDS",
        default=float(os.environ.get("CAKE_SCRAPE_INTERVAL_SECONDS", "15")),
        help="how often Prometheus scrapes the engines (default: what the operator was told, else 15)",
    )
    parser.add_argument(
        "--runbooks",
        default=os.environ.get("CAKE_RUNBOOKS") or RUNBOOKS,
        help="what stands before the name of a runbook's page (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    try:
        stored = json.load(source)["items"]
    except (json.JSONDecodeError, KeyError, TypeError):
        print("Standard input is no list: pipe in `kubectl get cakedeployments -A -o json`.", file=sys.stderr)
        return 2
    resources, unreadable = [], 0
    for one in stored:
        try:
            resources.append(CakeDeployment.model_validate({**one, "status": {}}))
        except ValidationError:
            meta = one["metadata"]
            print(f"{meta['namespace']}/{meta['name']} is left out: see its condition Ready.", file=sys.stderr)
            unreadable += 1
    window = Sampling(scrape_interval=timedelta(seconds=options.scrape_interval)).window
    print(yaml.safe_dump(rule_file(resources, window, options.runbooks), sort_keys=False, width=120), end="")
    return 1 if unreadable else 0


if __name__ == "__main__":
    sys.exit(main())
