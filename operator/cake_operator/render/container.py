"""The engine's container."""

from __future__ import annotations

import math
from typing import Any, Final

from cake_operator.api import CakeDeployment
from cake_operator.render.naming import STATIC_KEY
from cake_operator.render.service import PORT, PORT_NAME
from cake_operator.render.settings import RenderSettings
from cake_operator.render.static_config import STATIC_FOLDER
from cake_operator.render.tls import tls_arguments, tls_environment
from cake_operator.render.volumes import MODEL_FOLDER, SCRATCH, volume_mounts

ENGINE: Final = "engine"
STARTUP_PERIOD_SECONDS: Final = 5
# What an engine takes on the host beside its KV tier, at the least; users with a real model give their own request.
PROCESS_BYTES: Final = 2**30


def engine_container(resource: CakeDeployment, settings: RenderSettings, startup_seconds: int) -> dict[str, Any]:
    """Container `engine`: vLLM's API server with Cake, which may take `startup_seconds` until it answers."""
    engine = resource.spec.engine
    container: dict[str, Any] = {
        "name": ENGINE,
        "image": engine.image or settings.engine_image,
        # Where a console script lies differs between images; the module does not.
        "command": ["python3", "-m", "cake_engine.cli"],
        "args": _arguments(resource),
        "env": _environment(resource),
        "ports": [{"name": PORT_NAME, "containerPort": PORT, "protocol": "TCP"}],
        "resources": _resources(resource),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **_probes(startup_seconds, "HTTP" if engine.tls_secret_ref is None else "HTTPS"),
        # The last lines of the log, so that a crash can be explained in a condition.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": volume_mounts(resource),
    }
    pause = math.ceil(engine.drain.pre_stop.seconds)
    if pause:
        # Until every proxy has heard that the pod leaves, new requests still arrive: keep serving for that long.
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": pause}}}
    return container


def _arguments(resource: CakeDeployment) -> list[str]:
    """The command line; the user's own arguments come last and win."""
    spec = resource.spec
    hub, claim = spec.model.source.hugging_face, spec.model.source.persistent_volume_claim
    model = hub.repo if hub is not None else str(MODEL_FOLDER / (claim.path if claim is not None else ""))
    arguments = ["serve", model, "--cake-config", str(STATIC_FOLDER / STATIC_KEY)]
    arguments += ["--served-model-name", spec.model.name, "--port", str(PORT)]
    arguments += ["--shutdown-timeout", str(math.ceil(spec.engine.drain.shutdown_timeout.seconds))]
    if hub is not None and hub.revision is not None:
        arguments += ["--revision", hub.revision]
    if spec.engine.tensor_parallel_size > 1:
        arguments += ["--tensor-parallel-size", str(spec.engine.tensor_parallel_size)]
    return [*arguments, *tls_arguments(resource), *spec.engine.args]


def _environment(resource: CakeDeployment) -> list[dict[str, Any]]:
    # The root file system is read-only: what libraries cache under the home folder goes to scratch.
    environment: list[dict[str, Any]] = [{"name": "HOME", "value": str(SCRATCH)}]
    hub = resource.spec.model.source.hugging_face
    secrets = {
        "HF_TOKEN": None if hub is None else hub.token_secret_ref,
        "VLLM_API_KEY": resource.spec.engine.api_key_secret_ref,
    }
    for variable, secret in secrets.items():
        if secret is not None:
            reference = {"name": secret.name, "key": secret.key}
            environment.append({"name": variable, "valueFrom": {"secretKeyRef": reference}})
    return [*environment, *tls_environment(resource)]


def _resources(resource: CakeDeployment) -> dict[str, Any]:
    """The user's resources; where they ask for no memory, a request that covers the memory tier."""
    wanted = dict(resource.spec.engine.resources)
    if "memory" in (wanted.get("requests") or {}) or "memory" in (wanted.get("limits") or {}):
        return wanted
    tiers = sum(tier.capacity.bytes for tier in resource.spec.kv_tiers if tier.memory is not None)
    return {**wanted, "requests": {**(wanted.get("requests") or {}), "memory": str(tiers + PROCESS_BYTES)}}


def _probes(startup_seconds: int, scheme: str) -> dict[str, Any]:
    """One address, three questions: has it loaded, may it get requests, is it beyond hope."""
    ask = {"httpGet": {"path": "/health", "port": PORT_NAME, "scheme": scheme}}
    return {
        "startupProbe": {
            **ask,
            "periodSeconds": STARTUP_PERIOD_SECONDS,
            "timeoutSeconds": 5,
            "failureThreshold": max(1, math.ceil(startup_seconds / STARTUP_PERIOD_SECONDS)),
        },
        "readinessProbe": {**ask, "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 3},
        # Under full load an answer may take long, and a restart would throw the KV cache away: be slow to give up.
        "livenessProbe": {**ask, "periodSeconds": 10, "timeoutSeconds": 10, "failureThreshold": 6},
    }
