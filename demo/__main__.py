"""`python -m demo`: a serving fleet with Cake, from nothing to a report.

It runs on a cluster that it starts on this machine, or on the one that $CAKE_KUBECONFIG names.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from rich.console import Console

from demo.load import LoadError
from demo.model import ModelError
from demo.narration import Narration
from demo.run import run
from demo.stage import NAME, NAMESPACE
from tests.localcluster import Cluster, LocalClusterError, clients

REACH = """It is left running:
  export KUBECONFIG={kubeconfig}
  kubectl get cakedeployments -n {namespace}      # kubectl and helm: {tools}
{services}
End it with:
{ends}"""


def main() -> int:
    """Run the demo; returns 0 when all that it shows has happened."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running and say how to reach it")
    parser.add_argument("--report", type=Path, default=Path("report.html"), help="where to write it (report.html)")
    arguments = parser.parse_args()
    console = Console()
    for ending in (signal.SIGINT, signal.SIGTERM):  # both clean up, also where a shell started it in the background
        signal.signal(ending, signal.default_int_handler)
    began = time.monotonic()
    try:
        passed = play(Narration(console), arguments.report.absolute(), keep=arguments.keep)
    except KeyboardInterrupt:
        console.print("Interrupted; what was started is ended.")
        return 130
    except (LocalClusterError, LoadError, ModelError, OSError) as error:
        console.print(f"[bold red]The demo cannot go on:[/bold red] {error}", highlight=False)
        return 1
    console.print(f"{time.monotonic() - began:.0f} s in all.", highlight=False)
    return 0 if passed else 1


def play(narration: Narration, report: Path, *, keep: bool) -> bool:
    """Run the demo on a cluster, and leave that as it was, or as it is then; returns whether all verdicts are good."""
    with Cluster.from_environment() as cluster:
        narration.console.print(f"The cluster: KUBECONFIG={cluster.kubeconfig}", highlight=False, soft_wrap=True)
        try:
            return all(check.passed for check in run(cluster, narration, report))
        finally:
            if keep:
                narration.console.print(left_running(cluster), highlight=False, soft_wrap=True, markup=False)


def left_running(cluster: Cluster) -> str:
    """Leave the cluster as it is; returns how to reach what is there, and how to end it."""
    services = [name for name in (NAME, "prometheus") if cluster.has("service", name, "-n", NAMESPACE)]
    ways = [f"  {cluster.directions(NAMESPACE, name)}      # {name}" for name in services]
    ends = [f"  {command}" for command in cluster.keep()]
    words = {"kubeconfig": cluster.kubeconfig, "namespace": NAMESPACE, "tools": clients.folder()}
    return REACH.format(**words, services="\n".join(ways), ends="\n".join(ends))


if __name__ == "__main__":
    sys.exit(main())
