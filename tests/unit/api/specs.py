"""Specs that are refused and specs that are accepted: one table for the models and for a real API server."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cake_engine.config import MEASURED_QUALITY, measured

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))
FIVE_FIELDS = yaml.safe_load(next(path for path in EXAMPLES if path.name == "01-five-fields.yaml").read_text())

MEMORY = {"name": "memory", "memory": {}, "capacity": "4Gi"}
SHARED = {"name": "shared", "persistentVolumeClaim": {"claimName": "kv"}, "capacity": "100Gi"}
MADE = {"name": "made", "persistentVolumeClaim": {"template": {}}, "capacity": "100Gi"}
MADE_FOR_ONE = MADE | {"persistentVolumeClaim": {"template": {"accessModes": ["ReadWriteOnce"]}}}


def merged(value: Any, patch: Any) -> Any:
    """A JSON merge patch applied: objects merge, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    value = value if isinstance(value, dict) else {}
    whole = value | {key: merged(value.get(key), item) for key, item in patch.items()}
    return {key: item for key, item in whole.items() if item is not None}


@dataclass(frozen=True)
class Case:
    """The five-field example with one change.

    Attributes:
        what: The change in words.
        spec: A merge patch of the spec.
        path: The field that the server names, in its notation.
        sentence: What the server says, or a part of it that names the mistake and the way out.
        ours: Whether the sentence is ours, so that the models say the same; otherwise it is the server's own wording.
    """

    what: str
    spec: dict[str, Any] = field(default_factory=dict)
    path: str = ""
    sentence: str = ""
    ours: bool = True
    name: str = "chat"

    def object(self) -> dict[str, Any]:
        """The Kubernetes object."""
        return merged(FIVE_FIELDS, {"metadata": {"name": self.name}, "spec": self.spec})


def _claim(tier: dict[str, Any], **more: Any) -> dict[str, Any]:
    return tier | {"persistentVolumeClaim": tier["persistentVolumeClaim"] | more}


def _args(*arguments: str) -> dict[str, Any]:
    return {"engine": {"args": list(arguments)}}


def _capped(cap: str, **bounds: str) -> dict[str, Any]:
    """A cap of the writes to the tier `shared`, and bounds for it."""
    return {"balance": {"knobs": {"writeBandwidth": {"shared": cap}}, "bounds": {"writeBandwidth": bounds}}}


TWO_SOURCES = {"source": {"huggingFace": {"repo": "a/b"}}}
NO_SOURCE = {"source": {"persistentVolumeClaim": None}}
NO_MODEL = "write either persistentVolumeClaim or huggingFace"
ONE_KIND = "write exactly one of memory: {}, emptyDir: {} and persistentVolumeClaim: {...}"
CLAIM_CHOICE = "write either claimName (a claim that exists) or template (a claim that the operator makes)"
ONE_POD = "write accessModes: [ReadWriteMany] on the template, or at most 1 in replicas and scaling.maxReplicas"
KV_MOVES = "spec.kvTiers and spec.balance say how KV blocks move"
BYTES = "an amount of bytes is a number and a unit, as in 512Mi, 8Gi or 1T"
SMALL = "a tier below 1Mi holds no block: write its size with a unit, as in 8Gi"
TIME = "a duration is a number and a unit (ms, s, m, h or d), as in 50ms, 15s or 72h"
LONGER = "must be longer than zero, as in 50ms, 15s or 72h"
SHARE = "a share is a number below 100 and a percent sign, as in 99% or 99.9%"
FOLDER = "must be a folder inside the volume, without / at its ends, //, . and .., as in models/smollm2"
OUTSIDE = "knobs.writeBandwidth is outside bounds.writeBandwidth, where tuning keeps it: move one of them"
BELOW_MEMORY = "use the name of one of spec.kvTiers below memory"

MODEL = [
    Case("two sources", {"model": TWO_SOURCES}, "spec.model.source", NO_MODEL),
    Case("no source", {"model": NO_SOURCE}, "spec.model.source", NO_MODEL),
    Case("no model", {"model": None}, "spec.model", "Required value", ours=False),
    Case("a model without a name", {"model": {"name": None}}, "spec.model.name", "Required value", ours=False),
    Case("a served name with a space", {"model": {"name": "smol lm"}}, "spec.model.name", "as in smollm2"),
    Case(
        "an absolute path of a model",
        {"model": {"source": {"persistentVolumeClaim": {"path": "/smollm2"}}}},
        "spec.model.source.persistentVolumeClaim.path",
        FOLDER,
    ),
    Case(
        "a path that leaves the claim",
        {"model": {"source": {"persistentVolumeClaim": {"path": "a/../../b"}}}},
        "spec.model.source.persistentVolumeClaim.path",
        FOLDER,
    ),
    Case(
        "a second spelling of a folder",
        {"model": {"source": {"persistentVolumeClaim": {"path": "a/./b"}}}},
        "spec.model.source.persistentVolumeClaim.path",
        FOLDER,
    ),
    Case(
        "a revision that reads as a flag",
        {"model": {"source": {"persistentVolumeClaim": None, "huggingFace": {"repo": "a/b", "revision": "--port"}}}},
        "spec.model.source.huggingFace.revision",
        "revision is a commit, tag or branch: letters, digits, ., _, - and /",
    ),
    Case(
        "a claim's name in capitals",
        {"model": {"source": {"persistentVolumeClaim": {"claimName": "Models"}}}},
        "spec.model.source.persistentVolumeClaim.claimName",
        "must be the name of an object: lower-case letters, digits, - and .",
    ),
    Case(
        "a repository written as an address",
        {"model": {"source": {"persistentVolumeClaim": None, "huggingFace": {"repo": "https://example.com/a/b"}}}},
        "spec.model.source.huggingFace.repo",
        "repo is OWNER/NAME, as in HuggingFaceTB/SmolLM2-135M-Instruct",
    ),
]

ENGINE = [
    Case("the KV connector", _args("--kv-transfer-config", "{}"), "spec.engine.args", KV_MOVES),
    Case("the KV connector by =", _args("--kv-transfer-config={}"), "spec.engine.args", KV_MOVES),
    Case("the KV connector by a dot", _args("--kv-transfer-config.kv_role=x"), "spec.engine.args", KV_MOVES),
    Case("the KV connector over several lines", _args("--kv-transfer-config={\n}"), "spec.engine.args", KV_MOVES),
    Case("the KV connector with underscores", _args("--kv_transfer_config={}"), "spec.engine.args", KV_MOVES),
    Case("the scheduler", _args("--scheduler-cls", "mine.Scheduler"), "spec.engine.args", KV_MOVES),
    Case("the model", _args("--model=/m"), "spec.engine.args", "spec.model.source says which"),
    Case(
        "the served name",
        _args("--served-model-name", "x"),
        "spec.engine.args",
        "args may not have --served-model-name: spec.model.name says it",
    ),
    Case("the port", _args("--port", "80"), "spec.engine.args", "the Service reaches the engine on port 8000"),
    Case("the tensor parallel size", _args("-tp", "2"), "spec.engine.args", "spec.engine.tensorParallelSize says it"),
    Case("the API key", _args("--api-key=s3cret"), "spec.engine.args", "spec.engine.apiKeySecretRef names the Secret"),
    Case(
        "the certificate",
        _args("--ssl-keyfile=/k", "--ssl_certfile", "/c"),
        "spec.engine.args",
        "spec.engine.tlsSecretRef names the Secret with certificate and key",
    ),
    Case(
        "certificates of clients", _args("--ssl-cert-reqs=2"), "spec.engine.args", "spec.engine.apiKeySecretRef tells"
    ),
    Case(
        "a certificate without its Secret's name",
        {"engine": {"tlsSecretRef": {}}},
        "spec.engine.tlsSecretRef.name",
        "Required value",
        ours=False,
    ),
    Case("the drain", _args("--shutdown-timeout=1"), "spec.engine.args", "spec.engine.drain.shutdownTimeout says it"),
    Case(
        "an argument and its value in one",
        _args("--max-model-len 4096"),
        "spec.engine.args",
        "an argument and its value are two list items, or one with =",
    ),
    Case("a number of args", {"engine": {"args": [1]}}, "spec.engine.args[0]", "must be of type string", ours=False),
    Case(
        "no GPU at all",
        {"engine": {"tensorParallelSize": 0}},
        "spec.engine.tensorParallelSize",
        "should be greater than or equal to 1",
        ours=False,
    ),
    Case(
        "a timeout of eleven years",
        {"engine": {"startupTimeout": "3650d1ms"}},
        "spec.engine.startupTimeout",
        "a duration is 3650d at most",
    ),
    Case("a timeout of zero", {"engine": {"startupTimeout": "0s"}}, "spec.engine.startupTimeout", LONGER),
    Case(
        "a rollout that may move no pod",
        {"engine": {"rollout": {"maxSurge": 0, "maxUnavailable": 0}}},
        "spec.engine.rollout.maxSurge",
        "write maxSurge: 1 where there is room (GPUs included) for one more pod, else maxUnavailable: 1",
    ),
    Case(
        "a rollout in per cent",
        {"engine": {"rollout": {"maxSurge": "25%"}}},
        "spec.engine.rollout.maxSurge",
        "must be of type integer",
        ours=False,
    ),
    Case(
        "a rollout without time",
        {"engine": {"rollout": {"progressDeadline": "0s"}}},
        "spec.engine.rollout.progressDeadline",
        LONGER,
    ),
    Case("a drain without a unit", {"engine": {"drain": {"preStop": "15"}}}, "spec.engine.drain.preStop", TIME),
    Case(
        "a node port of a ClusterIP",
        {"service": {"nodePort": 30000}},
        "spec.service.nodePort",
        "a nodePort needs type: NodePort; write it, or leave nodePort out",
    ),
    Case(
        "a load balancer",
        {"service": {"type": "LoadBalancer"}},
        "spec.service.type",
        'supported values: "ClusterIP", "NodePort"',
        ours=False,
    ),
]

TIERS = [
    Case("no tier", {"kvTiers": []}, "spec.kvTiers", "should have at least 1 items", ours=False),
    Case("nine tiers", {"kvTiers": [MEMORY] * 9}, "spec.kvTiers", "must have at most 8 items", ours=False),
    Case("two kinds", {"kvTiers": [MEMORY | {"emptyDir": {}}]}, "spec.kvTiers[0]", ONE_KIND),
    Case("no kind", {"kvTiers": [MEMORY, {"name": "x", "capacity": "1Gi"}]}, "spec.kvTiers[1]", ONE_KIND),
    Case("a slow tier first", {"kvTiers": [SHARED, MEMORY]}, "spec.kvTiers", "the first tier must be memory"),
    Case(
        "memory twice",
        {"kvTiers": [MEMORY, MEMORY | {"name": "more"}]},
        "spec.kvTiers",
        "there is one memory tier: add the capacities up and write them on the first",
    ),
    Case("a name twice", {"kvTiers": [MEMORY, SHARED, SHARED]}, "spec.kvTiers[2]", "Duplicate value", ours=False),
    Case(
        "a tier's name in capitals",
        {"kvTiers": [MEMORY | {"name": "Memory"}]},
        "spec.kvTiers[0].name",
        "a tier's name is lower-case letters, digits and -, as in shared or local-disk",
    ),
    Case("no capacity", {"kvTiers": [{"name": "m", "memory": {}}]}, "capacity", "Required value", ours=False),
    Case("a capacity of zero", {"kvTiers": [MEMORY | {"capacity": 0}]}, "spec.kvTiers[0].capacity", SMALL),
    Case("eight bytes", {"kvTiers": [MEMORY | {"capacity": 8}]}, "spec.kvTiers[0].capacity", SMALL),
    Case("milli-bytes", {"kvTiers": [MEMORY | {"capacity": "500m"}]}, "spec.kvTiers[0].capacity", BYTES),
    Case("8GB", {"kvTiers": [MEMORY | {"capacity": "8GB"}]}, "spec.kvTiers[0].capacity", BYTES),
    Case("less than nothing", {"kvTiers": [MEMORY | {"capacity": "-8Gi"}]}, "spec.kvTiers[0].capacity", BYTES),
    Case(
        "more than 64 bits count",
        {"kvTiers": [MEMORY | {"capacity": "2Ei"}]},
        "spec.kvTiers[0].capacity",
        "an amount of bytes is 1Ei at most: write less",
    ),
    Case(
        "a time to live in memory",
        {"kvTiers": [MEMORY | {"ttl": "1h"}]},
        "spec.kvTiers[0].ttl",
        "leave ttl out, or write it on a slower tier",
    ),
    Case("a time to live in words", {"kvTiers": [MEMORY, SHARED | {"ttl": "3 days"}]}, "spec.kvTiers[1].ttl", TIME),
    Case("a time to live of zero", {"kvTiers": [MEMORY, SHARED | {"ttl": "0h"}]}, "spec.kvTiers[1].ttl", LONGER),
    Case(
        "a codec in memory",
        {"kvTiers": [MEMORY | {"codec": "Zstd"}]},
        "spec.kvTiers[0].codec",
        "leave codec out, or write it on a slower tier",
    ),
    Case(
        "an unknown codec",
        {"kvTiers": [MEMORY, SHARED | {"codec": "Zip"}]},
        "spec.kvTiers[1].codec",
        'supported values: "Raw", "Zstd", "Int8", "Kivi4", "Kivi2", "CacheGenFine", "CacheGenMedium", "CacheGenCoarse"',
        ours=False,
    ),
    Case(
        "a lossy codec that nobody asked for by its quality",
        {"kvTiers": [MEMORY, SHARED | {"codec": "Int8"}]},
        "spec.kvTiers[1].codec",
        "write qualityFloor beside it, the least share of next tokens that must stay the same, or take Zstd",
    ),
    *(
        Case(
            f"a floor that {codec} did not reach",
            {"kvTiers": [MEMORY, SHARED | {"codec": codec.value, "qualityFloor": 1}]},
            "spec.kvTiers[1].qualityFloor",
            f"{measured(codec)}: lower qualityFloor to that, or take a codec that keeps more",
        )
        for codec, share in MEASURED_QUALITY.items()
        if share < 1
    ),
    Case(
        "a floor of an exact codec",
        {"kvTiers": [MEMORY, SHARED | {"codec": "Zstd", "qualityFloor": 0.5}]},
        "spec.kvTiers[1].qualityFloor",
        "Raw and Zstd are exact: leave qualityFloor out",
    ),
    Case(
        "a floor beyond all tokens",
        {"kvTiers": [MEMORY, SHARED | {"codec": "Int8", "qualityFloor": 1.5}]},
        "spec.kvTiers[1].qualityFloor",
        "less than or equal to 1",
        ours=False,
    ),
    Case(
        "a claim both named and made",
        {"kvTiers": [MEMORY, _claim(SHARED, template={})]},
        "spec.kvTiers[1].persistentVolumeClaim",
        CLAIM_CHOICE,
    ),
    Case(
        "a claim neither named nor made",
        {"kvTiers": [MEMORY, SHARED | {"persistentVolumeClaim": {}}]},
        "spec.kvTiers[1].persistentVolumeClaim",
        CLAIM_CHOICE,
    ),
    Case(
        "the deletion of a claim that is not ours",
        {"kvTiers": [MEMORY, _claim(SHARED, retain="Delete")]},
        "spec.kvTiers[1].persistentVolumeClaim.retain",
        "a claim named by claimName is never deleted",
    ),
    Case(
        "two tiers in one folder",
        {"kvTiers": [MEMORY, SHARED, SHARED | {"name": "again"}]},
        "spec.kvTiers",
        "two tiers use the same folder of one claim: give each its own path",
    ),
    Case(
        "an access mode that only reads",
        {"kvTiers": [MEMORY, _claim(MADE, template={"accessModes": ["ReadOnlyMany"]})]},
        "accessModes[0]",
        'supported values: "ReadWriteMany", "ReadWriteOnce"',
        ours=False,
    ),
    Case(
        "scaling over a claim for one pod",
        {"kvTiers": [MEMORY, MADE_FOR_ONE], "scaling": {"maxReplicas": 2}},
        "spec.kvTiers",
        ONE_POD,
    ),
    Case("replicas over a claim for one pod", {"kvTiers": [MEMORY, MADE_FOR_ONE], "replicas": 2}, "spec", ONE_POD),
]

TENANT = [
    Case(
        "a tenant in capitals",
        {"tenant": "Search"},
        "spec.tenant",
        "a tenant's name is lower-case letters, digits and -, as in search or team-a",
    ),
    Case("no tenant's name", {"tenant": ""}, "spec.tenant", "a tenant's name is lower-case letters"),
    Case("a tenant of 64 letters", {"tenant": "t" * 64}, "spec.tenant", "may not be more than 63", ours=False),
]

ENCRYPTION = [
    Case("encryption without a key", {"encryption": {}}, "spec.encryption.keySecretRef", "Required value", ours=False),
]

BALANCE = [
    Case(
        "an unknown mode",
        {"balance": {"mode": "Fast"}},
        "spec.balance.mode",
        'supported values: "Adaptive", "ComputeOnly", "LoadOnly", "Static"',
        ours=False,
    ),
    Case(
        "a bare Off, which YAML reads as false",
        {"balance": {"tuning": False}},
        "spec.balance.tuning",
        "must be of type string",
        ours=False,
    ),
    Case(
        "Static without a point",
        {"balance": {"mode": "Static"}},
        "spec.balance.mode",
        "mode Static needs staticMeetingPoint: the fraction of the stored prefix to compute, as in 0.4",
    ),
    Case(
        "a point without Static",
        {"balance": {"staticMeetingPoint": 0.5}},
        "spec.balance.staticMeetingPoint",
        "write mode: Static, or leave staticMeetingPoint out",
    ),
    Case(
        "a point in per cent",
        {"balance": {"mode": "Static", "staticMeetingPoint": 40}},
        "spec.balance.staticMeetingPoint",
        "should be less than or equal to 1",
        ours=False,
    ),
    Case(
        "bounds the wrong way round",
        {"balance": {"bounds": {"retainFrom": {"min": 0.8, "max": 0.2}}}},
        "spec.balance.bounds.retainFrom",
        "min is above max: swap them",
    ),
    Case(
        "a lower bound above the default of the upper",
        {"balance": {"bounds": {"retainFrom": {"min": 0.95}}}},
        "spec.balance.bounds.retainFrom",
        "min is above max: swap them",
    ),
    Case(
        "bandwidths the wrong way round",
        {"balance": {"bounds": {"writeBandwidth": {"min": "2Gi", "max": "2000M"}}}},
        "spec.balance.bounds.writeBandwidth",
        "min is above max: swap them",
    ),
    Case(
        "a bandwidth bound in words",
        {"balance": {"bounds": {"writeBandwidth": {"min": "2GB", "max": "1Gi"}}}},
        "spec.balance.bounds.writeBandwidth.min",
        BYTES,
    ),
    Case(
        "a knob above its bounds",
        {"balance": {"knobs": {"retainFrom": 0.95}, "bounds": {"retainFrom": {}}}},
        "spec.balance.knobs.retainFrom",
        "knobs.retainFrom is outside bounds.retainFrom (0 to 0.9 where that says nothing), where tuning keeps it: move",
    ),
    Case(
        "a knob below its bounds",
        {"balance": {"tuning": "Recommend", "knobs": {"retainFrom": 0.1}, "bounds": {"retainFrom": {"min": 0.2}}}},
        "spec.balance.knobs.retainFrom",
        'or write tuning: "Off"',
    ),
    Case("a cap below its bounds", _capped("5Mi", min="8Mi"), "spec.balance.knobs.writeBandwidth", OUTSIDE),
    Case("a cap above its bounds", _capped("9Mi", max="8Mi"), "spec.balance.knobs.writeBandwidth", OUTSIDE),
    Case(
        "a knob of no tier",
        {"balance": {"knobs": {"loadBandwidth": {"disk": "1Gi"}}}},
        "spec.balance.knobs.loadBandwidth",
        f"loadBandwidth names a tier that is not there: {BELOW_MEMORY}",
    ),
    Case(
        "a knob of memory",
        {"balance": {"knobs": {"writeBandwidth": {"memory": "1Gi"}}}},
        "spec.balance.knobs.writeBandwidth",
        f"writeBandwidth names a tier that is not there: {BELOW_MEMORY}",
    ),
    Case(
        "a bandwidth of zero",
        {"balance": {"knobs": {"loadBandwidth": {"shared": 0}}}},
        "spec.balance.knobs.loadBandwidth",
        "must be more than zero: leave the field out for no limit",
    ),
    Case(
        "a share above one",
        {"balance": {"knobs": {"prefetchShare": 1.5}}},
        "spec.balance.knobs.prefetchShare",
        "should be less than or equal to 1",
        ours=False,
    ),
    Case(
        "a share as text",
        {"balance": {"knobs": {"retainFrom": "0.5"}}},
        "spec.balance.knobs.retainFrom",
        "must be of type number",
        ours=False,
    ),
]

SLO = [
    Case("no target", {"slo": {}}, "spec.slo", "write ttft, interTokenLatency or both, as in ttft: {target: 1s}"),
    Case("a target without a unit", {"slo": {"ttft": {"target": "1"}}}, "spec.slo.ttft.target", TIME),
    Case("a target of zero", {"slo": {"ttft": {"target": "0ms"}}}, "spec.slo.ttft.target", LONGER),
    Case(
        "the hundredth percentile",
        {"slo": {"ttft": {"target": "1s", "percentile": 100}}},
        "spec.slo.ttft.percentile",
        "should be less than or equal to 99",
        ours=False,
    ),
    Case(
        "an objective without an error budget",
        {"slo": {"ttft": {"target": "1s"}, "objective": "100%"}},
        "spec.slo.objective",
        SHARE,
    ),
    Case(
        "an objective of nothing",
        {"slo": {"ttft": {"target": "1s"}, "objective": "0%"}},
        "spec.slo.objective",
        "must be above 0%, as in 99%",
    ),
    Case(
        "an objective as a fraction",
        {"slo": {"ttft": {"target": "1s"}, "objective": "0.99"}},
        "spec.slo.objective",
        SHARE,
    ),
]

SCALING = [
    Case(
        "more at least than at most",
        {"scaling": {"minReplicas": 4, "maxReplicas": 2}},
        "spec.scaling",
        "minReplicas is above maxReplicas: raise maxReplicas or lower minReplicas",
    ),
    Case(
        "more at least than the default of at most",
        {"scaling": {"minReplicas": 2}},
        "spec.scaling",
        "raise maxReplicas or lower minReplicas",
    ),
    Case("fewer than no replicas", {"replicas": -1}, "spec.replicas", "greater than or equal to 0", ours=False),
    Case(
        "half a replica",
        {"scaling": {"maxReplicas": 1.5}},
        "spec.scaling.maxReplicas",
        "must be of type integer",
        ours=False,
    ),
]

NAMES = [
    Case("a long name", name="c" * 53, sentence="metadata.name may have 52 characters at most"),
    Case("a name that begins with a digit", name="7b-chat", sentence="a letter first"),
    Case("a name with a dot", name="chat.prod", sentence="use lower-case letters, digits and -, a letter first"),
]

NETWORK = [
    Case(
        "peers that are nobody",
        {"networkPolicy": {"from": []}},
        "spec.networkPolicy.from",
        "should have at least 1 items",
        ours=False,
    ),
    Case(
        "a peer that is anybody",
        {"networkPolicy": {"from": [{}]}},
        "spec.networkPolicy.from[0]",
        "should have at least 1 properties",
        ours=False,
    ),
]

REFUSED = [*MODEL, *ENGINE, *TIERS, *TENANT, *ENCRYPTION, *BALANCE, *SLO, *SCALING, *NETWORK, *NAMES]

ACCEPTED = [
    Case("five fields"),
    Case("the longest name", name="c" * 52),
    Case("tiers by default", {"kvTiers": None}),
    Case("a claim that is made", {"kvTiers": [MEMORY, MADE], "scaling": {"maxReplicas": 4}}),
    Case("a claim for one pod", {"kvTiers": [MEMORY, MADE_FOR_ONE], "replicas": 1}),
    Case("two folders of one claim", {"kvTiers": [MEMORY, _claim(SHARED, path="a"), SHARED | {"name": "b"}]}),
    Case("a capacity as a number", {"kvTiers": [MEMORY | {"capacity": 8589934592}]}),
    Case("a capacity in decimals", {"kvTiers": [MEMORY | {"capacity": "1.5T"}]}),
    Case("an encryption key", {"encryption": {"keySecretRef": {"name": "kv-key", "key": "key"}}}),
    Case("the longest tenant", {"tenant": "t" * 63}),
    *(
        Case(
            f"{codec} with all of its quality",
            {"kvTiers": [MEMORY, SHARED | {"codec": codec.value, "qualityFloor": share}]},
        )
        for codec, share in MEASURED_QUALITY.items()
    ),
    Case("Static at the very front", {"balance": {"mode": "Static", "staticMeetingPoint": 0}}),
    Case("knobs of a tier", {"balance": {"knobs": {"loadBandwidth": {"shared": "4Gi"}, "minimumLoadTokens": 0}}}),
    Case("caps on their bounds", _capped("8Mi", min="8Mi", max="8Mi")),
    Case("a knob that nothing tunes", {"balance": {"tuning": "Off", "knobs": {"retainFrom": 1}}}),
    Case("a knob on its bound", {"balance": {"knobs": {"retainFrom": 0.9}, "bounds": {"retainFrom": {}}}}),
    Case("a knob without bounds", {"balance": {"knobs": {"retainFrom": 0.95}}}),
    Case("no replicas", {"replicas": 0}),
    Case("a fleet that may sleep", {"scaling": {"minReplicas": 0}}),
    Case("the longest duration", {"engine": {"startupTimeout": "3650d"}}),
    Case("the largest tier", {"kvTiers": [MEMORY | {"capacity": "1Ei"}]}),
    Case("a composed duration", {"engine": {"startupTimeout": "1h30m"}}),
    Case("arguments that look like ours", _args("--model-loader-extra-config={}", "--port-range=1", "-O3")),
    Case("an argument with spaces in its value", _args('--compilation-config={"level": 3}', "--chat-template", "a b")),
    Case("a rollout without a spare GPU", {"engine": {"rollout": {"maxSurge": 0}}}),
    Case(
        "a rollout in all fields",
        {"engine": {"rollout": {"maxSurge": 0, "maxUnavailable": 2, "progressDeadline": "2h"}}},
    ),
    Case("a certificate", {"engine": {"tlsSecretRef": {"name": "chat-tls"}, "args": ["--ssl-ciphers=ECDHE"]}}),
    Case("an API key", {"engine": {"apiKeySecretRef": {"name": "clients"}}}),
    Case("peers", {"networkPolicy": {"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}}),
    Case("a node port", {"service": {"type": "NodePort", "nodePort": 30080}}),
    Case("one target", {"slo": {"interTokenLatency": {"target": "0.05s"}, "objective": "99.95%"}}),
    Case("resources", {"engine": {"resources": {"limits": {"nvidia.com/gpu": 1, "memory": "64Gi"}}}}),
    Case("a pod template", {"engine": {"podTemplate": {"spec": {"nodeSelector": {"gpu": "h100"}}}}}),
]


def named(case: Case) -> str:
    """The case as pytest shows it."""
    return case.what
