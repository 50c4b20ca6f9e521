"""`kubectl cake`: kubectl runs a program named kubectl-cake for it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console, RenderableType

from cake_operator.kubectl.decisions import decisions
from cake_operator.kubectl.fetching import Cluster, FetchError
from cake_operator.kubectl.summary import summary
from cake_operator.kubectl.views import explain_view, status_view, top_view

# Where nobody looks at it, a line is as long as it is: grep wants whole ones.
UNBOUNDED_COLUMNS: Final = 4000


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer one question; 1 where there is no answer."""
    asked = command_line().parse_args(arguments)
    try:
        cluster = Cluster.of(asked.kubeconfig, asked.context)
        found, view = _ANSWERS[asked.question](cluster, asked, datetime.now(UTC))
    except FetchError as error:
        print(f"kubectl cake: {error}", file=sys.stderr)
        return 1
    if asked.output == "json":
        print(json.dumps(found, indent=2))
    else:
        Console(highlight=False, width=None if sys.stdout.isatty() else UNBOUNDED_COLUMNS).print(view)
    return 0


def _status(cluster: Cluster, asked: argparse.Namespace, now: datetime) -> tuple[Any, RenderableType]:
    found = summary(cluster.cake(asked.namespace or cluster.namespace, asked.name))
    return found, status_view(found, now)


def _top(cluster: Cluster, asked: argparse.Namespace, _: datetime) -> tuple[Any, RenderableType]:
    namespace = None if asked.all_namespaces else asked.namespace or cluster.namespace
    found = [summary(cake) for cake in cluster.cakes(namespace)]
    return found, top_view(found)


def _explain(cluster: Cluster, asked: argparse.Namespace, now: datetime) -> tuple[Any, RenderableType]:
    namespace = asked.namespace or cluster.namespace
    found = summary(cluster.cake(namespace, asked.name))
    decided = decisions(cluster.events(namespace, asked.name))
    return {"now": found, "decisions": decided}, explain_view(found, decided, now)


_ANSWERS: Final = {"status": _status, "top": _top, "explain": _explain}


def command_line() -> argparse.ArgumentParser:
    """What can be asked, and how."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("-n", "--namespace", help="the namespace; that of the context if not given")
    options.add_argument("--context", help="a context of the kubeconfig; the current one if not given")
    options.add_argument("--kubeconfig", help="the kubeconfig; $KUBECONFIG or ~/.kube/config if not given")
    options.add_argument("-o", "--output", choices=["text", "json"], default="text", help="json is for programs")
    parser = argparse.ArgumentParser(prog="kubectl cake", description="What CakeDeployments do, and why.")
    questions = parser.add_subparsers(dest="question", required=True)
    status = questions.add_parser("status", parents=[options], help="conditions, replicas, tiers and balance of one")
    status.add_argument("name")
    top = questions.add_parser("top", parents=[options], help="one line for each")
    top.add_argument("-A", "--all-namespaces", action="store_true", help="of all namespaces")
    explain = questions.add_parser("explain", parents=[options], help="why it is as it is, and what was decided lately")
    explain.add_argument("name")
    return parser
