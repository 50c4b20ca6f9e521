"""How the engine runs: image, arguments, resources, what may be laid over its pods, how it starts and ends."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, WithJsonSchema

from cake_operator.api.durations import Duration, PositiveDuration
from cake_operator.api.rollout import RolloutSpec
from cake_operator.api.rules import Rule, SpecPart
from cake_operator.api.secret_key import SecretKey, TlsSecret

_AMOUNTS = {"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": True}}
_RESOURCE_FIELDS = {
    "requests": {"description": "What a pod is scheduled with.", **_AMOUNTS},
    "limits": {"description": "What a pod may use, GPUs included, as in `nvidia.com/gpu: 1`.", **_AMOUNTS},
    "claims": {
        "description": "Dynamic resource claims.",
        "type": "array",
        "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}


def _known_resource_fields(resources: dict[str, Any]) -> dict[str, Any]:
    if unknown := resources.keys() - _RESOURCE_FIELDS.keys():
        raise ValueError(f"unknown field {min(unknown)}: write requests, limits or claims")
    return resources


Resources = Annotated[
    dict[str, Any],
    AfterValidator(_known_resource_fields),
    WithJsonSchema({"type": "object", "properties": _RESOURCE_FIELDS}),
]
PodTemplate = Annotated[
    dict[str, Any], WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True})
]
Argument = Annotated[str, Field(max_length=2048)]


def _owned(flags: str, instead: str) -> Rule:
    """A rule that no argument is one of the flags (separated by spaces) that the operator writes.

    vLLM takes `--flag value`, `--flag=value`, `--flag.key value` and underscores for dashes: all are the same flag.
    """
    names = "|".join(flag[:2] + flag[2:].replace("-", "[-_]") for flag in flags.split())
    pattern = f"({names})([=.](.|\\n)*)?"  # a value may have several lines
    compiled = re.compile(pattern)
    return Rule(
        f"!self.args.exists(arg, arg.matches(r'^({pattern})$'))",
        f"args may not have {' or '.join(flags.split())}: {instead}",
        lambda engine: not any(compiled.fullmatch(arg) for arg in engine.args),
        ".args",
    )


_TWO_IN_ONE = r"^--?[A-Za-z][^ =]* "


class Drain(SpecPart):
    """How a pod ends without breaking a stream: it leaves the Service first, then finishes what it has begun."""

    pre_stop: Duration = Field(
        default=Duration("15s"),
        description="How long a pod that is to end keeps taking requests, while proxies learn that it leaves.",
    )
    shutdown_timeout: Duration = Field(
        default=Duration("120s"), description="How long requests that have begun may then take to finish."
    )


class EngineSpec(SpecPart):
    """The engine's pods."""

    image: Annotated[str, Field(min_length=1, max_length=512)] | None = Field(
        default=None, description="The image with cake-engine and vLLM; the operator's default if not set."
    )
    args: Annotated[list[Argument], Field(max_length=64)] = Field(
        default=[], description="Further arguments of `vllm serve`, one list item each, as in `--max-model-len=32768`."
    )
    tensor_parallel_size: Annotated[int, Field(ge=1, le=16)] = Field(
        default=1, description="GPUs that share each layer of the model, in one pod."
    )
    resources: Resources = Field(default={}, description="Requests and limits of the engine's container.")
    pod_template: PodTemplate = Field(
        default={},
        description="Laid over the pod template that the operator renders, as a strategic merge patch:"
        " `{spec: {nodeSelector: {...}, tolerations: [...]}}`. The engine's container is named `engine`.",
    )
    api_key_secret_ref: SecretKey | None = Field(
        default=None,
        description="The key that clients must send as a bearer token; anybody who reaches the pods is served if not"
        " set. Probes and metrics need none.",
    )
    tls_secret_ref: TlsSecret | None = Field(
        default=None,
        description="The certificate with which engines speak HTTPS, to probes and Prometheus, too; plain HTTP if not"
        " set. One that is renewed is taken up without a restart.",
    )
    drain: Drain = Field(default=Drain(), description="How a pod ends.")
    rollout: RolloutSpec = Field(default=RolloutSpec(), description="How a changed spec replaces pods.")
    startup_timeout: PositiveDuration | None = Field(
        default=None,
        description="How long an engine may take until it answers; weights are read (or downloaded) in this time. If"
        " not set, 30m, or three times the longest start that was seen where that is more.",
    )

    rules: ClassVar[tuple[Rule, ...]] = (
        _owned(
            "--kv-transfer-config --kv-offloading-backend --kv-offloading-size --scheduler-cls --cake-config",
            "spec.kvTiers and spec.balance say how KV blocks move",
        ),
        _owned("--model --revision", "spec.model.source says which model is served"),
        _owned("--served-model-name", "spec.model.name says it"),
        _owned("--host --port --uds", "the Service reaches the engine on port 8000; spec.service says how clients do"),
        _owned("--tensor-parallel-size -tp", "spec.engine.tensorParallelSize says it"),
        _owned(
            "--api-key", "spec.engine.apiKeySecretRef names the Secret that has it, where not everybody can read it"
        ),
        _owned(
            "--ssl-certfile --ssl-keyfile --enable-ssl-refresh",
            "spec.engine.tlsSecretRef names the Secret with certificate and key",
        ),
        _owned(
            "--ssl-cert-reqs --ssl-ca-certs",
            "probes and Prometheus have no certificates of their own; spec.engine.apiKeySecretRef tells clients apart",
        ),
        _owned("--shutdown-timeout", "spec.engine.drain.shutdownTimeout says it"),
        Rule(
            f"!self.args.exists(arg, arg.matches(r'{_TWO_IN_ONE}'))",
            "an argument and its value are two list items, or one with =, as in --max-model-len=32768",
            lambda engine: not any(re.match(_TWO_IN_ONE, arg) for arg in engine.args),
            ".args",
        ),
    )
