"""The kinds of objects that the operator reads or writes, and where the API server keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cake_operator.api import GROUP, PLURAL, VERSION

__all__ = [
    "CAKE_DEPLOYMENTS",
    "CHILDREN",
    "CLAIMS",
    "CONFIG_MAPS",
    "DEPLOYMENTS",
    "EVENTS",
    "LEASES",
    "PODS",
    "PROMETHEUS_RULES",
    "SECRETS",
    "SERVICES",
    "Kind",
    "kind_of",
]


@dataclass(frozen=True)
class Kind:
    """One kind: `api_version` is `group/version`, or `v1` of the core group."""

    api_version: str
    name: str
    plural: str

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path of the collection (of all namespaces where `namespace` is None) or of one object in it."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        parts = [root, *(["namespaces", namespace] if namespace else []), self.plural]
        return "/".join([*parts, *(part for part in (name, subresource) if part)])


CAKE_DEPLOYMENTS = Kind(f"{GROUP}/{VERSION}", "CakeDeployment", PLURAL)
DEPLOYMENTS = Kind("apps/v1", "Deployment", "deployments")
SERVICES = Kind("v1", "Service", "services")
CONFIG_MAPS = Kind("v1", "ConfigMap", "configmaps")
DISRUPTION_BUDGETS = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
CLAIMS = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
PODS = Kind("v1", "Pod", "pods")
EVENTS = Kind("v1", "Event", "events")
SECRETS = Kind("v1", "Secret", "secrets")
"""Made, and never read: neither watched nor looked up."""
LEASES = Kind("coordination.k8s.io/v1", "Lease", "leases")

NETWORK_POLICIES = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
PROMETHEUS_RULES = Kind("monitoring.coreos.com/v1", "PrometheusRule", "prometheusrules")

CHILDREN = (DEPLOYMENTS, SERVICES, CONFIG_MAPS, DISRUPTION_BUDGETS, CLAIMS, NETWORK_POLICIES, PROMETHEUS_RULES)
"""What a CakeDeployment is rendered into; PrometheusRules where the cluster has that kind."""

_BY_NAME = {(kind.api_version, kind.name): kind for kind in CHILDREN}


def kind_of(obj: dict[str, Any]) -> Kind:
    """The kind of a rendered child."""
    return _BY_NAME[obj["apiVersion"], obj["kind"]]
