"""The CustomResourceDefinition of CakeDeployment."""

from __future__ import annotations

from typing import Any

from cake_operator.api.resource import GROUP, KIND, PLURAL, VERSION, CakeDeployment
from cake_operator.api.structural import Schema, structural_schema


def custom_resource_definition() -> dict[str, Any]:
    """The object that `kubectl apply` installs."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["cake"],
                "categories": ["all"],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "additionalPrinterColumns": _printer_columns(),
                    "schema": {"openAPIV3Schema": _object_schema()},
                    "subresources": {
                        "status": {},
                        "scale": {
                            "specReplicasPath": ".spec.replicas",
                            "statusReplicasPath": ".status.replicas",
                            "labelSelectorPath": ".status.selector",
                        },
                    },
                }
            ],
        },
    }


def _object_schema() -> Schema:
    """The schema of the whole object. What every object has is the API server's to describe."""
    schema = structural_schema(CakeDeployment)
    fields = schema["properties"]
    fields["apiVersion"] = {"type": "string"}
    fields["kind"] = {"type": "string"}
    fields["metadata"] = {"type": "object"}
    fields["status"].pop("default", None)
    return schema


def _printer_columns() -> list[dict[str, Any]]:
    """What `kubectl get cakedeployments` shows; priority 1 only with `-o wide`."""

    def column(name: str, path: str, kind: str = "string", **more: Any) -> dict[str, Any]:
        return {"name": name, "type": kind, "jsonPath": path, **more}

    return [
        column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
        column("Replicas", ".status.replicas", "integer"),
        column("TTFT", ".status.slo.ttft", description="Measured time to first token at the slo's percentile"),
        column("SLO", ".status.slo.state"),
        column("Balance", ".status.balance.mode"),
        column("Age", ".metadata.creationTimestamp", "date"),
        column("Model", ".spec.model.name", priority=1),
        column("Meeting-Point", ".status.balance.meetingPoint", "number", priority=1),
        column("Message", '.status.conditions[?(@.type=="Ready")].message', priority=1),
    ]
