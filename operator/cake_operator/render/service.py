"""The Service that clients talk to."""

from __future__ import annotations

from typing import Any, Final

from cake_operator.api import CakeDeployment
from cake_operator.render.naming import metadata_of, selector_of

PORT: Final = 8000
PORT_NAME: Final = "http"


def service(resource: CakeDeployment) -> dict[str, Any]:
    """Service NAME, port 8000."""
    wanted = resource.spec.service
    port: dict[str, Any] = {"name": PORT_NAME, "port": PORT, "targetPort": PORT_NAME, "protocol": "TCP"}
    if resource.spec.engine.tls_secret_ref is not None:
        port["appProtocol"] = "https"  # the name stays: scrape configurations and policies know the port by it
    if wanted.node_port is not None:
        port["nodePort"] = wanted.node_port
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata_of(resource, resource.metadata.name),
        "spec": {"type": wanted.type, "selector": selector_of(resource.metadata.name), "ports": [port]},
    }
