"""CakeDeployments for tests, and what the cluster makes of them."""

import copy
import json
from dataclasses import dataclass
from typing import Any

from cake_operator.apply import kinds
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, CLAIMS, PODS
from cake_operator.render.merging import strategic_merge
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster, CommandError

NAME = "chat"
Object = dict[str, Any]

MEMORY: Object = {"name": "memory", "memory": {}, "capacity": "1Gi"}
FIVE_FIELDS: Object = {
    "apiVersion": "cake.dev/v1alpha1",
    "kind": "CakeDeployment",
    "metadata": {"name": NAME},
    "spec": {
        "model": {"name": "tiny", "source": {"huggingFace": {"repo": "acme/tiny"}}},
        "kvTiers": [MEMORY],
    },
}
# In a cluster with nodes, too, no pod comes to run: what becomes of it is for the test to say.
NEVER_RUN: Object = {"podTemplate": {"spec": {"schedulerName": "nobody"}}}

KINDS = {kind.name.lower(): kind for kind in (*kinds.CHILDREN, PODS)} | {"cake": CAKE_DEPLOYMENTS, "pvc": CLAIMS}
"""As kubectl calls them."""

CHILDREN = {
    "deployment": NAME,
    "service": NAME,
    "poddisruptionbudget": NAME,
    "configmap/static": f"{NAME}-engine",
    "configmap/tuning": f"{NAME}-tuning",
}
"""Those of `chat`."""


def claimed(name: str, retain: str) -> Object:
    """A tier on a claim that the operator makes."""
    return {"name": name, "persistentVolumeClaim": {"template": {}, "retain": retain}, "capacity": "1Gi"}


@dataclass
class Cake:
    """A CakeDeployment of one namespace."""

    cluster: Cluster
    namespace: str
    name: str = NAME

    def apply(self, **spec: Any) -> None:
        """Write it with these fields of the spec on top of the five obvious ones."""
        resource = copy.deepcopy(FIVE_FIELDS)
        resource["metadata"]["name"] = self.name
        resource["spec"] |= {**spec, "engine": strategic_merge(spec.get("engine", {}), NEVER_RUN)}
        self.kubectl("apply", "--server-side", "--field-manager=user", "--force-conflicts", "-f", "-", input=resource)

    def patch(self, kind: str, name: str, patch: Any, *options: str) -> None:
        """Edit an object as a person does."""
        style = "json" if isinstance(patch, list) else "merge"
        self.kubectl("patch", kind, name, f"--type={style}", "-p", json.dumps(patch), *options)

    def kubectl(self, *arguments: str, input: Object | None = None) -> str:
        """kubectl in the namespace."""
        text = None if input is None else json.dumps(input)
        return self.cluster.kubectl("-n", self.namespace, *arguments, input=text)

    def get(self, kind: str, name: str | None = None) -> Object | None:
        """One object, its own of that kind where no name is given; None where there is none."""
        return self.cluster.read(KINDS[kind].path(self.namespace, name or self.name))

    def must(self, kind: str, name: str | None = None) -> Object:
        """One object that has to be there."""
        found = self.get(kind, name)
        assert found is not None, f"there is no {kind} {name or self.name}"
        return found

    def children(self) -> dict[str, Object]:
        """The children that `chat` has, as every CakeDeployment."""
        return {child: self.must(child.split("/")[0], name) for child, name in CHILDREN.items()}

    def made(self) -> dict[str, Object]:
        """The children, once they are there and status tells of the present spec."""
        eventually(
            lambda: self.status().get("observedGeneration") == self.must("cake")["metadata"]["generation"], "status"
        )
        return eventually(self.children, "all children are there")

    def begun(self, pods: int = 1) -> dict[str, Object]:
        """The children, once its pods are made, which is as far as they come without a node, and status tells of it.

        From then on nothing changes by itself.
        """
        children = self.made()
        eventually(lambda: self._tells_of(pods), "status tells of the pods")
        return children

    def _tells_of(self, pods: int) -> bool:
        progress = self.condition("Progressing")
        assert self.status().get("replicas") == pods, progress
        assert progress["status"] == "False" or f"{pods} without a running engine" in progress["message"], progress
        return True

    def status(self) -> Object:
        """Its status."""
        return self.must("cake").get("status") or {}

    def condition(self, kind: str) -> Object:
        """One of its conditions, without the moment."""
        found = next((one for one in self.status().get("conditions", ()) if one["type"] == kind), None)
        assert found is not None, f"there is no condition {kind}"
        return {key: value for key, value in found.items() if key != "lastTransitionTime"}

    def awaits(self, kind: str, status: str, reason: str) -> str:
        """Wait for a condition; gives its message."""

        def holds() -> bool:
            condition = self.condition(kind)
            assert (condition["status"], condition["reason"]) == (status, reason), condition
            return True

        eventually(holds, f"{kind} is {status}, {reason}")
        return str(self.condition(kind)["message"])

    def surged(self) -> None:
        """Wait until a rollout has come as far as it can while no pod becomes ready, and status tells of it."""
        eventually(lambda: "1 more than the 1 pods" in self.condition("Progressing")["message"], "one pod is added")

    def pods(self) -> list[Object]:
        """Its pods."""
        found = self.cluster.read(PODS.path(self.namespace), label_selector=f"cake.dev/deployment={self.name}")
        return list(found["items"]) if found else []

    def become(self, pod: str, status: Object) -> None:
        """Play the kubelet, which this cluster has none of: report a pod's status."""
        self.patch("pod", pod, {"status": status}, "--subresource=status")

    def refused(self, **spec: Any) -> str:
        """What the API server says to a spec that it refuses."""
        try:
            self.apply(**spec)
        except CommandError as error:
            return error.stderr
        raise AssertionError("it was accepted")


READY = {
    "phase": "Running",
    "conditions": [{"type": "Ready", "status": "True"}],
    "containerStatuses": [
        {"name": "engine", "ready": True, "restartCount": 0, "image": "x", "imageID": "", "state": {"running": {}}}
    ],
}


def waiting(reason: str, message: str = "", last: Object | None = None) -> Object:
    """The status of a pod whose engine does not start."""
    state = {"name": "engine", "ready": False, "restartCount": 3, "image": "x", "imageID": ""}
    state |= {"state": {"waiting": {"reason": reason, "message": message}}}
    if last is not None:
        state["lastState"] = {"terminated": last}
    return {"phase": "Pending", "containerStatuses": [state]}


def versions(objects: dict[str, Object]) -> dict[str, str]:
    """The resource versions: an object that nobody wrote keeps its own."""
    return {name: obj["metadata"]["resourceVersion"] for name, obj in objects.items()}


def bind(cake: Cake, claim: str) -> None:
    """Give a claim a volume, and wait until the volume controller has bound them."""
    name = f"{cake.namespace}-{claim}"
    asked = cake.must("pvc", claim)["spec"]
    reference = {"namespace": cake.namespace, "name": claim}
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": asked["accessModes"],
        "storageClassName": asked.get("storageClassName", ""),
        "claimRef": reference,
        "hostPath": {"path": "/nowhere"},
    }
    cake.cluster.apply({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec})
    volume = f"/api/v1/persistentvolumes/{name}"
    eventually(lambda: phase(cake.cluster.read(volume)) in ("Available", "Bound"), f"the volume {name} is there")
    # The controller looks at a waiting claim again every 15 s, or when it changes.
    cake.patch("pvc", claim, {"metadata": {"annotations": {"test.cake.dev/look": "again"}}})
    eventually(lambda: phase(cake.get("pvc", claim)) == "Bound", f"the claim {claim} is bound")


def phase(obj: Object | None) -> str:
    """How far an object is, by its status."""
    return str(((obj or {}).get("status") or {}).get("phase"))
