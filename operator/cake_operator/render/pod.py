"""The pod template: our pod with the user's `podTemplate` merged onto it."""

from __future__ import annotations

import math
from typing import Any, Final

from cake_operator.api import CakeDeployment
from cake_operator.render.container import ENGINE, engine_container
from cake_operator.render.merging import strategic_merge
from cake_operator.render.naming import STATIC_HASH_ANNOTATION, labels_of
from cake_operator.render.settings import RenderSettings
from cake_operator.render.startup import first_allowance
from cake_operator.render.static_config import static_hash
from cake_operator.render.tls import tls_annotations
from cake_operator.render.volumes import volumes

# nonroot of the distroless images; any number but 0 does, a fixed one keeps files on shared claims readable.
USER: Final = 65532
# What is left for the process to end in, after the streams have.
EXIT_MARGIN_SECONDS: Final = 30


def pod_template(
    resource: CakeDeployment, settings: RenderSettings, startup_seconds: int | None = None
) -> dict[str, Any]:
    """The template of the engine pods; fits the `restricted` Pod Security Standard.

    Args:
        resource: What the user wrote, with its defaults.
        settings: The operator's own configuration.
        startup_seconds: How long a start may take; None for what it may before any was seen.

    Raises:
        MergeError: `podTemplate` cannot be merged.
    """
    name = resource.metadata.name
    seconds = first_allowance(resource.spec.engine) if startup_seconds is None else startup_seconds
    annotations = {STATIC_HASH_ANNOTATION: static_hash(resource), **tls_annotations(resource)}
    ours = {
        "metadata": {"labels": labels_of(name), "annotations": annotations},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                # Walking a shared claim with a million blocks at every start would take longer than loading the model.
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "terminationGracePeriodSeconds": _grace(resource),
            "containers": [engine_container(resource, settings, seconds)],
            "volumes": volumes(resource),
        },
    }
    merged = strategic_merge(ours, resource.spec.engine.pod_template, where="spec.engine.podTemplate")
    # Our labels are the one thing that may not be merged away: the pods would be nobody's.
    meta = merged.get("metadata") or {}
    return {**merged, "metadata": {**meta, "labels": {**(meta.get("labels") or {}), **labels_of(name)}}}


def _grace(resource: CakeDeployment) -> int:
    """Longer than what must end before: preStop, while endpoints forget the pod, then vLLM's own shutdown."""
    drain = resource.spec.engine.drain
    return math.ceil(drain.pre_stop.seconds + drain.shutdown_timeout.seconds) + EXIT_MARGIN_SECONDS


__all__ = ["ENGINE", "pod_template"]
