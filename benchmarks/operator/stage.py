"""What every cell needs: a cluster of its own with our CRDs, operators on it, and the clocks of their processes."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import psutil

from benchmarks.cells import MeasurementError
from benchmarks.operator.audit import AGENT, AuditTail, writes_of_operator
from cake_operator.apply.client import Client, Patience
from cake_operator.apply.credentials import login
from cake_operator.handlers import make_settings
from tests.cluster.conftest import with_crds
from tests.cluster.operator_process import OperatorProcess
from tests.localcluster import Cluster, cache
from tests.localcluster.local import LocalCluster
from tests.localcluster.processes import marked

INTERVAL_SECONDS: Final = 15
"""Between two looks at everything: the operator's default."""

PATIENCE_SECONDS: Final = 900.0
"""For what takes minutes with thousands of CakeDeployments."""
_QUIET_SECONDS: Final = 3.0
_MIB: Final = 1 << 20
_DOCKERFILE: Final = Path(__file__).parents[2] / "images" / "operator.Dockerfile"

T = TypeVar("T")


class User(Client):
    """Whoever works with a cluster beside the operator: told from it in the audit log."""

    def __init__(self) -> None:
        super().__init__(lambda: login(make_settings()), agent=AGENT, patience=Patience(timeout_seconds=60.0))


@dataclass
class Stage:
    """A cluster to measure on.

    Attributes:
        cluster: Its API server records every request.
        folder: For logs.
    """

    cluster: LocalCluster
    folder: Path
    audit: AuditTail
    _began: float = field(default_factory=time.monotonic)

    def operator(self, name: str = "operator", **variables: str) -> OperatorProcess:
        """The operator as its image has it: compiled, and without packages that other parts of the project need."""
        path = [str(_without_extras()), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {
            "CAKE_INTERVAL_SECONDS": str(INTERVAL_SECONDS),
            "CAKE_SCRAPE_INTERVAL_SECONDS": str(INTERVAL_SECONDS),
            "PYTHONPATH": os.pathsep.join(path),
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(cache.root() / "benchmarks" / "bytecode"),
            **image_variables("MALLOC_"),
            **variables,
        }
        return OperatorProcess(self.cluster.kubeconfig, self.folder / f"{name}.log", **environment)

    def api_server_cpu(self) -> float:
        """Seconds of CPU that the API server has used."""
        (server,) = [one for one in marked(self.cluster.run.folder) if "kube-apiserver" in one.cmdline()[1:2]]
        return cpu(server.pid)

    def operators_writes(self) -> list[str]:
        """What the operator wrote since the last look, by the API server's own record."""
        return writes_of_operator(self.audit.events())

    async def quiet(self) -> list[str]:
        """Wait until the operator has written nothing for some seconds; gives its writes since the last look."""
        written = self.operators_writes()

        async def silent() -> bool:
            await asyncio.sleep(_QUIET_SECONDS)
            new = self.operators_writes()
            written.extend(new)
            return not new

        await reached(silent, "the operator has nothing more to write")
        return written

    def tell(self, what: str) -> None:
        """Show how far it is."""
        print(f"  {time.monotonic() - self._began:5.0f} s  {what}", file=sys.stderr, flush=True)


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """A cluster for the block."""
    with Cluster.up(control_plane_only=True, audit=True) as cluster:
        with_crds(cluster)
        before = os.environ.get("KUBECONFIG")
        os.environ["KUBECONFIG"] = str(cluster.kubeconfig)  # where logins look
        try:
            yield Stage(cluster, folder, AuditTail(cluster.run.folder))
        finally:
            os.environ.pop("KUBECONFIG")
            if before is not None:
                os.environ["KUBECONFIG"] = before


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def rss_mb(pid: int) -> float:
    """Memory that a process holds now, MiB."""
    return float(psutil.Process(pid).memory_info().rss / _MIB)


async def reached(ask: Callable[[], Awaitable[bool]], what: str, *, every: float = 0.0) -> None:
    """Ask until the answer is true.

    Raises:
        MeasurementError: It was not for minutes.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while not await ask():
        if time.monotonic() > end:
            raise MeasurementError(f"after {PATIENCE_SECONDS:.0f} s still not: {what}")
        await asyncio.sleep(every)


async def within_patience(coming: Awaitable[T], what: str) -> T:
    """What is waited for.

    Raises:
        MeasurementError: It did not come for minutes.
    """
    try:
        return await asyncio.wait_for(coming, PATIENCE_SECONDS)
    except TimeoutError:
        raise MeasurementError(f"after {PATIENCE_SECONDS:.0f} s still not: {what}") from None


def image_variables(prefix: str) -> dict[str, str]:
    """Variables of the operator's image whose names begin so."""
    lines = [line.split()[1:] for line in _DOCKERFILE.read_text().splitlines() if line.startswith("ENV ")]
    pairs = [pair.partition("=") for line in lines for pair in line]
    return {name: value for name, _, value in pairs if name.startswith(prefix)}


def _without_extras() -> Path:
    """A folder that hides the package `kubernetes`: kopf takes it in wherever it is, and the image does not have it."""
    folder = cache.root() / "benchmarks" / "without-kubernetes"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kubernetes.py").write_text('raise ImportError("hidden, as the operator\'s image does not have it")\n')
    return folder
