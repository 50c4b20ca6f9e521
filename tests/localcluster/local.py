"""Clusters started on this machine: their beginning, their end, and what only they can do."""

import itertools
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests.localcluster import (
    cache,
    claims,
    debian,
    engine_environment,
    images,
    node_ports,
    ports,
    runs,
    slow_volume,
    teardown,
    volumes,
)
from tests.localcluster.cluster import Cluster
from tests.localcluster.containers import Containers
from tests.localcluster.controlplane import ControlPlane, Listening
from tests.localcluster.errors import LocalClusterError
from tests.localcluster.forwarder import API_PORT
from tests.localcluster.namespaces import NODE_ADDRESS, Namespaces
from tests.localcluster.node import Node
from tests.localcluster.processes import Processes
from tests.localcluster.runs import CONTROL_PLANE, NODE, Owner, Run
from tests.localcluster.slow_volume import SlowVolume
from tests.localcluster.variables import Images


class LocalCluster(Cluster):
    """A cluster of this machine, running or being started."""

    def __init__(self, run: Run) -> None:
        super().__init__(run.kubeconfig)
        self.run = run
        self._processes: Processes | None = None

    @classmethod
    def start(cls, *, control_plane_only: bool, audit: bool = False) -> Self:
        """Start one; see `Cluster.up`. What a crash left behind is cleaned up first."""
        if not control_plane_only:
            _require_root()
            debian.require_installed()
        cluster = cls(_claim(control_plane_only))
        # Also on Ctrl-C: a half-started cluster is nobody's.
        with ExitStack() as half_started:
            half_started.enter_context(cluster)
            processes = cluster._processes = Processes(cluster.run.folder)
            if control_plane_only:
                _start_control_plane(cluster.run, processes, audit)
            else:
                _start_node(cluster.run, processes, audit)
            half_started.pop_all()
        return cluster

    @classmethod
    def known(cls, kubeconfig: Path) -> Self | None:
        """The running local cluster of that kubeconfig, if it is one's."""
        return next((cls(run) for run in runs.all_runs() if run.kubeconfig == kubeconfig), None)

    def down(self) -> None:
        """End it: no process, mount, link or file of it is left. One that is not this process's, or kept, stays."""
        if self.run.owner != Owner.this_process():
            super().down()
            return
        teardown.end(self.run)
        if self._processes is not None:
            self._processes.reap()

    def keep(self) -> list[str]:
        """Let it outlive this process, with all that was made in it; returns the command that ends it."""
        super().keep()
        self.run = self.run.disown()
        return [f"python -m tests.localcluster down {self.run.name}"]

    def load_images(self, *names: str) -> None:
        """Bring the node up to date with images of this checkout: those named, or all of them."""
        containers = self._containers()
        for name in names or tuple(images.NAMED):
            containers.provide(images.NAMED[name]())

    def images(self) -> Images:
        """The images of this checkout, which the node has from now on."""
        self.load_images()
        return images.NAMES

    def engine(self, namespace: str) -> dict[str, Any]:
        """vLLM itself: the local image lacks it, so that it is mounted from a claim of the namespace."""
        if not self.has("persistentvolumeclaim", engine_environment.CLAIM, "-n", namespace):
            self.mount_volume(engine_environment.CLAIM, namespace, engine_environment.folder(), read_only=True)
        return engine_environment.mounted()

    def storage_class(self, namespace: str, claim: str) -> str:
        """The class that a folder of this cluster is offered under, to that one claim."""
        folder = self.run.folder / "claims" / f"{namespace}-{claim}"
        volumes.require_folder(folder, writable=True)
        self.apply(volumes.volume(claim, namespace, folder))
        return volumes.STORAGE_CLASS

    def filled_claim(self, namespace: str, name: str, folder: Path) -> None:
        """Make ``folder`` itself a claim that pods read."""
        self.mount_volume(name, namespace, folder, read_only=True)

    def reach(self, namespace: str, service: str) -> str:
        """The URL of a NodePort on loopback, which goes to the same pods as the Service."""
        return node_ports.open_port(self, namespace, service)

    def directions(self, namespace: str, service: str) -> str:
        """The same URL: it outlives this process."""
        return f"curl {self.reach(namespace, service)}"

    def mount_volume(self, name: str, namespace: str, path: Path, read_only: bool = False) -> None:
        """Make a folder of this machine a bound ReadWriteMany claim ``name`` in ``namespace``."""
        self._require_node()
        volumes.require_folder(path, writable=not read_only)
        path = path.absolute()
        if read_only:
            path = Namespaces.of(self.run.folder).show_read_only(path, f"{namespace}-{name}")
        self.apply(volumes.volume(name, namespace, path), claims.claim(name, namespace, volumes.STORAGE_CLASS))
        self.kubectl("wait", "-n", namespace, f"pvc/{name}", "--for=jsonpath={.status.phase}=Bound", "--timeout=180s")

    def slow_claim(self, namespace: str, name: str, share: float) -> SlowVolume:
        """Make an empty claim whose file server gets ``share`` of one processor; see `slow_volume`."""
        assert self._processes is not None, "it was started by this process"
        self._require_node()
        slow = slow_volume.mount(self.run, self._processes, f"{namespace}-{name}", share)
        self.mount_volume(name, namespace, slow.path)
        return slow

    def audit_events(self) -> Iterator[dict[str, Any]]:
        """The API server's audit events so far, oldest first."""
        log = self.run.folder / "audit.log"
        if not log.exists():
            raise LocalClusterError("This cluster keeps no audit log: start it with up(audit=True).")
        for line in log.read_text().splitlines():
            yield json.loads(line)

    def restart(self, program: str) -> None:
        """End one of its programs, such as ``etcd``, and start it again on the same data."""
        assert self._processes is not None, "it was started by this process"
        self._processes.restart(program)

    def _containers(self) -> Containers:
        self._require_node()
        return Containers(self.run.folder / "containerd.sock")

    def _require_node(self) -> None:
        if not self.run.is_node:
            raise LocalClusterError("This cluster has no node: start it without control_plane_only.")


def _start_control_plane(run: Run, processes: Processes, audit: bool) -> None:
    listening = Listening("127.0.0.1", run.port)
    ControlPlane(run.folder, processes, listening, run.url, audit).start(scheduler=False)


def _start_node(run: Run, processes: Processes, audit: bool) -> None:
    namespaces = Namespaces.make(run.folder, processes)
    listening = Listening(NODE_ADDRESS, API_PORT, namespaces.within)
    control_plane = ControlPlane(run.folder, processes, listening, run.url, audit)
    forwarder = [sys.executable, "-m", "tests.localcluster.forwarder"]
    command = [*forwarder, str(namespaces.first_process), str(run.port), str(run.folder)]
    processes.start("forwarder", command, {"PYTHONPATH": str(images.CHECKOUT)})
    node = Node(run, processes, namespaces, control_plane)
    # containerd needs no API server: it starts while the API server does.
    node.start_containers()
    control_plane.start(scheduler=True)
    node.start()


def _require_root() -> None:
    if os.geteuid() != 0:
        raise LocalClusterError("Only root can start a node: use sudo, or --control-plane-only, which needs no root.")


def _claim(control_plane_only: bool) -> Run:
    """Clean up after crashes, then reserve the first free name and a port."""
    with cache.lock("runs"):
        teardown.end_abandoned()
        present = {run.name: run for run in runs.all_runs()}
        name = next(name for name in _names(control_plane_only) if name not in present)
        run = Run(name, ports.choose({run.port for run in present.values()}), Owner.this_process())
        run.claim()
    return run


def _names(control_plane_only: bool) -> Iterator[str]:
    first = CONTROL_PLANE if control_plane_only else NODE
    yield first
    yield from (f"{first}-{number}" for number in itertools.count(2))
