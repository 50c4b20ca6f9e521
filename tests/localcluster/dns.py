"""Names of Services for pods: CoreDNS beside the node's other programs, behind a Service at the address pods ask."""

from pathlib import Path

from tests.localcluster.controlplane import ControlPlane
from tests.localcluster.namespaces import NODE_ADDRESS

SERVICE = "10.96.0.10"
USER = "system:coredns"

_SETTINGS = """\
cluster.local:53 in-addr.arpa:53 {{
    bind {address}
    errors
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {kubeconfig}
    }}
}}
# No other name exists here, and the answer must not take a resolver's time-out.
.:53 {{
    bind {address}
    template ANY ANY . {{
        rcode NXDOMAIN
    }}
}}
"""
_RBAC = "rbac.authorization.k8s.io"
_WATCHED = [
    {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
]


def settings(kubeconfig: Path) -> str:
    """CoreDNS's configuration file."""
    return _SETTINGS.format(address=NODE_ADDRESS, kubeconfig=kubeconfig)


def publish(control_plane: ControlPlane) -> None:
    """Make the Service with the node as its only endpoint, and let the server watch what it answers from."""
    ports = [{"name": protocol.lower(), "port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    service = {
        "kind": "Service",
        "metadata": {"name": "kube-dns"},
        "spec": {"clusterIP": SERVICE, "ports": ports},
    }
    endpoint = {
        "kind": "EndpointSlice",
        "metadata": {"name": "kube-dns", "labels": {"kubernetes.io/service-name": "kube-dns"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [NODE_ADDRESS], "conditions": {"ready": True}}],
        "ports": ports,
    }
    role = {"kind": "ClusterRole", "metadata": {"name": USER}, "rules": _WATCHED}
    binding = {
        "kind": "ClusterRoleBinding",
        "metadata": {"name": USER},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": USER},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": USER}],
    }
    control_plane.create("v1", "namespaces/kube-system/services", service)
    control_plane.create("discovery.k8s.io/v1", "namespaces/kube-system/endpointslices", endpoint)
    control_plane.create(f"{_RBAC}/v1", "clusterroles", role)
    control_plane.create(f"{_RBAC}/v1", "clusterrolebindings", binding)
