"""What all groups of runs share: the cluster, who looks at it, and how it goes without a fault."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.conftest import with_crds
from tests.faults.administrator import NAMESPACES, Administrator, administrator
from tests.faults.audit import AuditLog
from tests.faults.engines import Scraper, scraper
from tests.faults.namespaces import PREFIX, is_of
from tests.faults.plan import Fault
from tests.faults.stages import Stage
from tests.faults.states import State
from tests.faults.until import until
from tests.localcluster import Cluster
from tests.localcluster.local import LocalCluster

ACCOUNT = "faults-operator"


@dataclass(frozen=True)
class Reference:
    """How a stage ends without a fault.

    Attributes:
        writes: How often the operator wrote.
    """

    state: State
    writes: int


@dataclass
class Site:
    """The cluster, and all that looks at it.

    Attributes:
        folder: For what is of no use afterwards.
        logs: For the operators' logs.
        token: The operator's: its writes are told from those of everybody else by its account.
        references: By stage, how it goes without a fault.
    """

    cluster: LocalCluster
    administrator: Administrator
    audit: AuditLog
    scraper: Scraper
    folder: Path
    logs: Path
    token: str
    references: dict[Stage, Reference] = field(default_factory=dict)

    async def clear(self, fault: Fault) -> None:
        """Delete the namespaces of a fault; `empty` waits for it."""
        for name in await self._namespaces():
            if is_of(fault, name):
                await self.administrator.delete(NAMESPACES.path(None, name))

    async def empty(self) -> None:
        """Wait until no namespace of any fault is left: an operator that sees all would see what is in it."""

        async def gone() -> bool:
            return not await self._namespaces()

        await until(gone, "all namespaces of earlier faults are gone")

    async def _namespaces(self) -> list[str]:
        listed = await self.administrator.get(NAMESPACES.path(None)) or {"items": []}
        names = [str(one["metadata"]["name"]) for one in listed["items"]]
        return [name for name in names if name.startswith(PREFIX)]


@asynccontextmanager
async def site(folder: Path, logs: Path) -> AsyncIterator[Site]:
    """A cluster of its own: an API server with its controllers and our CRDs, and no node."""
    targets = folder / "targets"
    targets.mkdir()
    with Cluster.up(control_plane_only=True, audit=True) as cluster, scraper(targets) as figures:
        with_crds(cluster)
        cluster.kubectl("create", "serviceaccount", ACCOUNT)
        cluster.kubectl(
            "create",
            "clusterrolebinding",
            ACCOUNT,
            "--clusterrole=cluster-admin",
            f"--serviceaccount=default:{ACCOUNT}",
        )
        token = cluster.kubectl("create", "token", ACCOUNT, "--duration=6h").strip()
        audit = AuditLog(cluster, f"system:serviceaccount:default:{ACCOUNT}")
        async with administrator(cluster) as person:
            yield Site(cluster, person, audit, figures, folder, logs, token)
