"""The way from this machine to a Service of the local node: a port on loopback."""

import socket
import time
from typing import TYPE_CHECKING, Any

from tests.localcluster.errors import LocalClusterError
from tests.localcluster.forwarder import LOOPBACK
from tests.localcluster.service_proxy import PORT

if TYPE_CHECKING:
    from tests.localcluster.cluster import Cluster

OPEN_SECONDS = 10.0


def open_port(cluster: "Cluster", namespace: str, service: str) -> str:
    """The URL of a Service's port `PORT` on loopback; a NodePort Service beside it is made for that.

    Raises:
        LocalClusterError: nothing listens at the port.
    """
    beside = _beside(cluster.get("service", service, "-n", namespace))
    cluster.apply(beside)
    made = cluster.get("service", beside["metadata"]["name"], "-n", namespace)
    port = int(made["spec"]["ports"][0]["nodePort"])
    _await(port)
    return f"http://{LOOPBACK}:{port}"


def _beside(service: dict[str, Any]) -> dict[str, Any]:
    """A Service with a node port for the same pods."""
    metadata = {"name": f"{service['metadata']['name']}-on-loopback", "namespace": service["metadata"]["namespace"]}
    ports = [port for port in service["spec"]["ports"] if port["name"] == PORT]
    spec = {"type": "NodePort", "selector": service["spec"]["selector"], "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _await(port: int) -> None:
    deadline = time.monotonic() + OPEN_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        if time.monotonic() > deadline:
            raise LocalClusterError(
                f"Nothing listens at {LOOPBACK}:{port}; {OPEN_SECONDS:.0f} s after its Service was made."
            )
        time.sleep(0.1)
