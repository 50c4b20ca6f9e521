"""``python -m tests.localcluster build | up | down | status``."""

import argparse
import os
import shutil
import sys
import time

from tests.localcluster import binary, clients, debian, foreign_kinds, processes, rootfs, runs, teardown, variables
from tests.localcluster.errors import LocalClusterError
from tests.localcluster.local import LocalCluster


def main() -> int:
    """Run the command line; returns the exit status."""
    arguments = _parser().parse_args()
    try:
        arguments.command(arguments)
    except LocalClusterError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.localcluster", description="A real Kubernetes on this machine."
    )
    commands = parser.add_subparsers(required=True, metavar="build|up|down|status")
    bare = argparse.ArgumentParser(add_help=False)
    bare.add_argument("--control-plane-only", action="store_true", help="no node: objects are served, no pod runs")
    build = commands.add_parser("build", parents=[bare], help="make what a cluster needs, once, into the cache")
    build.set_defaults(command=_build)
    up = commands.add_parser("up", parents=[bare], help="start a cluster and leave it running")
    up.set_defaults(command=_up)
    down = commands.add_parser("down", help="end clusters and all that they made")
    down.add_argument("names", nargs="*", metavar="NAME", help="only these; as `status` calls them")
    down.add_argument("--all", action="store_true", help="also those that a running test or demo uses")
    down.set_defaults(command=_down)
    commands.add_parser("status", help="list clusters").set_defaults(command=_status)
    return parser


def _build(arguments: argparse.Namespace) -> None:
    clients.fetch()
    if variables.named_kubeconfig() is not None:
        # Nothing will be started here but a Prometheus, by tests that ask one; the demo does not.
        if shutil.which("apt-get") is not None and os.geteuid() == 0:
            debian.provide_package("prometheus")
        return
    if not arguments.control_plane_only:
        debian.provide()
    foreign_kinds.fetch()
    binary.build()
    if not arguments.control_plane_only:
        rootfs.base_layer()


def _up(arguments: argparse.Namespace) -> None:
    started = time.monotonic()
    for run in runs.all_runs():
        if run.owner is None and run.is_node != arguments.control_plane_only and not teardown.is_abandoned(run):
            raise LocalClusterError(
                f"A cluster is up already: use it with `export KUBECONFIG={run.kubeconfig}`, or end it with `down`."
            )
    cluster = LocalCluster.start(control_plane_only=arguments.control_plane_only)
    cluster.keep()
    print(f"Up after {time.monotonic() - started:.1f} s. To use it:\n  export KUBECONFIG={cluster.kubeconfig}")


def _down(arguments: argparse.Namespace) -> None:
    present = list(runs.all_runs())
    if unknown := set(arguments.names) - {run.name for run in present}:
        raise LocalClusterError(f"No cluster is called {', '.join(sorted(unknown))}: `status` lists those that are up.")
    for run in present:
        if arguments.names and run.name not in arguments.names:
            continue
        if run.owner is not None and run.owner.lives() and not arguments.all:
            print(f"{run.name}: left, process {run.owner.pid} uses it (`down --all` ends it all the same)")
            continue
        teardown.end(run)
        print(f"{run.name}: ended")


def _status(arguments: argparse.Namespace) -> None:
    present = list(runs.all_runs())
    if not present:
        print("No local cluster is up.")
    for run in present:
        alive = processes.marked(run.folder)
        memory = processes.resident_bytes(alive) / 2**20
        owner = "kept until `down`" if run.owner is None else f"owned by process {run.owner.pid}"
        state = "abandoned" if teardown.is_abandoned(run) else owner
        print(f"{run.name}: {state}; {run.url}; {len(alive)} processes, {memory:.0f} MiB; KUBECONFIG={run.kubeconfig}")
