"""`python -m demo`: a serving fleet with Cake on this machine, from nothing to a report."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from demo.installation import PROMETHEUS_URL
from demo.load import LoadError
from demo.run import run
from demo.stage import NAME, NAMESPACE, SERVICE_URL
from tests.localcluster import Cluster, LocalClusterError, cache
from tests.localcluster.local import LocalCluster

REACH = """It is left running:
  export KUBECONFIG={kubeconfig}
  kubectl get cakedeployments -n {namespace}      # kubectl and helm: {tools}
  curl {service}/v1/models
  Prometheus: {prometheus}
End it with: make cluster-down"""


def main() -> int:
    """Run the demo; returns 0 when all that it shows has happened."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the cluster running and say how to reach it")
    parser.add_argument("--report", type=Path, default=Path("report.html"), help="where to write it (report.html)")
    arguments = parser.parse_args()
    console = Console()
    for ending in (signal.SIGINT, signal.SIGTERM):  # both clean up, also where a shell started it in the background
        signal.signal(ending, signal.default_int_handler)
    began = time.monotonic()
    try:
        passed = play(console, arguments.report.absolute(), keep=arguments.keep)
    except KeyboardInterrupt:
        console.print("Interrupted; what was started is ended.")
        return 130
    except (LocalClusterError, LoadError, TimeoutError) as error:
        console.print(f"[bold red]The demo cannot go on:[/bold red] {error}", highlight=False)
        return 1
    console.print(f"{time.monotonic() - began:.0f} s in all.", highlight=False)
    return 0 if passed else 1


def play(console: Console, report: Path, *, keep: bool) -> bool:
    """Start the cluster, run the demo on it, end it; returns whether all verdicts are good."""
    with Cluster.from_environment() as cluster:
        console.print(f"The cluster is up: KUBECONFIG={cluster.kubeconfig}", highlight=False, soft_wrap=True)
        with contextlib.ExitStack() as ends:
            try:
                return all(check.passed for check in run(cluster, console, report, _scratch(cluster, ends)))
            finally:
                if keep:
                    cluster.keep()
                    tell_how_to_reach(console, cluster)


def _scratch(cluster: Cluster, ends: contextlib.ExitStack) -> Path:
    """A folder for the shared claim and the load: it goes with a local cluster, kept or not; else with the demo."""
    if isinstance(cluster, LocalCluster):
        folder = cluster.run.folder / "demo"
        folder.mkdir()
        return folder
    return Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="cake-demo-")))


def tell_how_to_reach(console: Console, cluster: Cluster) -> None:
    """Print the addresses."""
    words = {"kubeconfig": cluster.kubeconfig, "namespace": NAMESPACE, "name": NAME, "tools": cache.root()}
    text = REACH.format(**words, service=SERVICE_URL, prometheus=PROMETHEUS_URL)
    console.print(text, highlight=False, soft_wrap=True, markup=False)


if __name__ == "__main__":
    sys.exit(main())
