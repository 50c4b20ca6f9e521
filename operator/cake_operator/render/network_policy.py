"""The NetworkPolicy of the engines, where one is asked for."""

from __future__ import annotations

from typing import Any

from cake_operator.api import CakeDeployment
from cake_operator.render.naming import metadata_of, selector_of
from cake_operator.render.service import PORT_NAME


def network_policies(resource: CakeDeployment) -> list[dict[str, Any]]:
    """NetworkPolicy NAME; nothing without `spec.networkPolicy`.

    Only what comes in is limited: where an engine goes (the hub, a collector of traces, a file server) is the user's to
    know. The kubelet's probes come from the node, which no policy keeps out.
    """
    if resource.spec.network_policy is None:
        return []
    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": metadata_of(resource, resource.metadata.name),
            "spec": {
                "podSelector": {"matchLabels": selector_of(resource.metadata.name)},
                "policyTypes": ["Ingress"],
                "ingress": [
                    {
                        "from": resource.spec.network_policy.allowed,
                        "ports": [{"port": PORT_NAME, "protocol": "TCP"}],
                    }
                ],
            },
        }
    ]
