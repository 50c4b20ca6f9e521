"""Nodes without machines: they take any pod, report it as ready, and let it go when it is deleted.

What the kubelet would do, and nothing else: pods are made, scheduled and deleted by Kubernetes itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NoReturn

from benchmarks.operator.stage import Stage, User
from cake_operator.apply.cache import Cache, Key, Object, key_of
from cake_operator.apply.errors import ApiError
from cake_operator.apply.kinds import LEASES, PODS
from cake_operator.workqueue import WorkQueue, work
from tests.cluster.cakes import READY
from tests.localcluster import binary
from tests.localcluster.processes import Processes

NODES: Final = 4
HEARTBEAT_SECONDS: Final = 10.0
START_SECONDS: Final = 1.0
"""Until a pod that has come to a node is ready."""
WORKERS: Final = 16

_GONE: Final = {"gracePeriodSeconds": 0}


class Kubelet(User):
    """The kubelet of all nodes, as the API server hears it."""

    async def let_go(self, pod: Object) -> None:
        """Say that a pod's containers have ended."""
        try:
            await self._request("DELETE", PODS.path(*key_of(pod)), body=_GONE)
        except ApiError as error:
            if error.status != 404:
                raise

    async def report_ready(self, pod: Object) -> None:
        """Say that a pod's engine takes requests."""
        meta = {field: pod["metadata"][field] for field in ("name", "namespace", "uid")}
        ready = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": READY}
        try:
            await self.apply(PODS, ready, force=True, subresource="status")
        except ApiError as error:
            if error.status not in (404, 409):  # it is gone, or another one has its name
                raise

    async def beat(self, node: str) -> None:
        """Say that a node is there."""
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        lease = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.name,
            "metadata": {"namespace": "kube-node-lease", "name": node},
            "spec": {"holderIdentity": node, "leaseDurationSeconds": 40, "renewTime": now},
        }
        await self.apply(LEASES, lease, force=True)


class Pods:
    """What is to be said of pods, by the benchmark's watch of them."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._queue = WorkQueue[Key]()

    def note(self, obj: Object) -> None:
        """Take in that a pod has changed."""
        if obj["kind"] != PODS.name:
            return
        if _is_going(obj):
            self._queue.add(key_of(obj))
        elif _is_starting(obj):
            self._queue.add_after(key_of(obj), START_SECONDS)

    async def run(self, kubelet: Kubelet) -> None:
        """Play the kubelet of all nodes until cancelled."""

        async def act(key: Key) -> None:
            pod = self._cache.get(PODS, *key)
            if pod is not None and _is_going(pod):
                await kubelet.let_go(pod)
            elif pod is not None and _is_starting(pod):
                await kubelet.report_ready(pod)

        await work(self._queue, act, WORKERS, expected=ApiError)


def _is_going(pod: Object) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp") and pod["spec"].get("nodeName"))


def _is_starting(pod: Object) -> bool:
    return bool(pod["spec"].get("nodeName")) and not is_ready(pod)


def is_ready(pod: Object) -> bool:
    """Whether a pod says so of itself."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


@asynccontextmanager
async def nodes(stage: Stage, pods: Pods) -> AsyncIterator[None]:
    """Nodes, Kubernetes' scheduler for them, and their kubelet, for the block."""
    names = [f"node-{number}" for number in range(NODES)]
    made = {"apiVersion": "v1", "kind": "List", "items": [_node(name) for name in names]}
    stage.cluster.kubectl("create", "-f", "-", input=json.dumps(made))
    _start_scheduler(stage)
    async with Kubelet() as kubelet:
        tasks = [asyncio.create_task(_beat(kubelet, names)), asyncio.create_task(pods.run(kubelet))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _beat(kubelet: Kubelet, names: list[str]) -> NoReturn:
    while True:
        for name in names:
            await kubelet.beat(name)
        await asyncio.sleep(HEARTBEAT_SECONDS)


def _node(name: str) -> Object:
    room = {"cpu": "100k", "memory": "1Pi", "ephemeral-storage": "1Pi", "pods": "100k", "nvidia.com/gpu": "100k"}
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "Played",
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"capacity": room, "allocatable": room, "conditions": [ready]},
    }


def _start_scheduler(stage: Stage) -> None:
    command: list[str | Path] = [
        binary.require(),
        "kube-scheduler",
        f"--kubeconfig={stage.cluster.kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
        # As the cluster's controllers have it: the defaults would stretch a burst of pods over minutes.
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]
    Processes(stage.cluster.run.folder).start("kube-scheduler", command)
