"""Clusters started on this machine: their beginning, their end, and what only they can do."""

import itertools
import json
import os
from collections.abc import Iterator
from typing import Any, Self

from tests.localcluster import cache, ports, runs, teardown
from tests.localcluster.cluster import Cluster
from tests.localcluster.controlplane import ControlPlane, Listening
from tests.localcluster.errors import LocalClusterError
from tests.localcluster.processes import Processes
from tests.localcluster.runs import Owner, Run

_numbers = itertools.count(1)


class LocalCluster(Cluster):
    """A cluster of this machine, running or being started."""

    def __init__(self, run: Run, node: bool) -> None:
        super().__init__(run.kubeconfig, node)
        self.run = run
        self._processes: Processes | None = None

    @classmethod
    def start(cls, *, control_plane_only: bool, audit: bool = False, name: str | None = None) -> Self:
        """Start one; see `Cluster.up`. What a crash left behind is cleaned up first."""
        if not control_plane_only:
            raise LocalClusterError("The node is not there yet; use control_plane_only=True.")
        name = name or f"control-plane-{os.getpid()}-{next(_numbers)}"
        run = _claim(name)
        cluster = cls(run, node=False)
        try:
            cluster._start_control_plane(audit)
        except BaseException:
            # Also on Ctrl-C: a half-started cluster is nobody's.
            cluster.down()
            raise
        return cluster

    def _start_control_plane(self, audit: bool) -> None:
        self._processes = Processes(self.run.folder)
        listening = Listening("127.0.0.1", self.run.port)
        ControlPlane(self.run.folder, self._processes, listening, self.run.url, audit).start(scheduler=False)

    def down(self) -> None:
        """End it: afterwards no process, mount, link or file of it is left. Does nothing to one that is kept."""
        if self.run.owner is None:
            return
        teardown.end(self.run)
        if self._processes is not None:
            self._processes.reap()

    def keep(self) -> None:
        """Let it outlive this process."""
        self.run = self.run.disown()

    def audit_events(self) -> Iterator[dict[str, Any]]:
        """The API server's audit events so far, oldest first."""
        log = self.run.folder / "audit.log"
        if not log.exists():
            raise LocalClusterError("This cluster keeps no audit log: start it with up(audit=True).")
        for line in log.read_text().splitlines():
            yield json.loads(line)


def _claim(name: str) -> Run:
    """Clean up after crashes, then reserve a name and a port."""
    with cache.lock("runs"):
        teardown.end_abandoned()
        present = list(runs.all_runs())
        if same := [run for run in present if run.name == name]:
            raise LocalClusterError(
                f"The local cluster `{name}` is up already: use it with CAKE_KUBECONFIG={same[0].kubeconfig}, "
                "or end it with `python -m tests.localcluster down`."
            )
        run = Run(name, ports.choose({run.port for run in present}), Owner.this_process())
        run.claim()
    return run
