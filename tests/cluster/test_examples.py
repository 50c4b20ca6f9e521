"""Each example as a user applies it, strictly checked by a real API server, and what the operator makes of it."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.cluster.cakes import NEVER_RUN, Object
from tests.cluster.operator_process import OperatorProcess
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster
from tests.unit.api.specs import EXAMPLES, merged

CAKE = "CakeDeployment"
CHILDREN = "deployments,services,poddisruptionbudgets,configmaps,persistentvolumeclaims,networkpolicies"
ALWAYS = ["Deployment/{}", "Service/{}", "PodDisruptionBudget/{}", "ConfigMap/{}-engine", "ConfigMap/{}-tuning"]


def _pod(**spec: Any) -> Object:
    return {"Deployment/chat": {"spec": {"template": {"spec": spec}}}}


def _engine(**container: Any) -> Object:
    return _pod(containers=[{"name": "engine", **container}])


def _tiers(*tiers: Object) -> Object:
    return {"data": {"engine.json": {"tiers": list(tiers)}}}


def _knobs(**live: Any) -> Object:
    return {"ConfigMap/chat-tuning": {"data": {"tuning.json": live}}}


def _of_tenant(name: str) -> Object:
    """Pods that mount the tenant's salt, and the claim of all tenants."""
    volumes = [{"secret": {"secretName": f"cake-tenant-{name}"}}, {"persistentVolumeClaim": {"claimName": "kv"}}]
    return {"spec": {"template": {"spec": {"volumes": volumes}}}}


_SHARED_TB = _tiers({"name": "shared", "path": "/var/cake/tiers/shared", "capacityBytes": 2**40})
_ONE_CLAIM = {"spec": {"template": {"spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "kv"}}]}}}}
_KEY = {"secretKeyRef": {"name": "chat-api-key", "key": "token"}}
_PEERS = [
    {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}} for name in ("gateway", "monitoring")
]

# What the comment at the top of each promises, as parts of the objects that must be there.
PROMISED: dict[str, Object] = {
    "01-five-fields": {"Deployment/chat": {"spec": {"replicas": 1}}},
    "02-shared-claim": {
        "Deployment/chat": {"spec": {"replicas": 4}},
        "PersistentVolumeClaim/chat-shared": {
            "spec": {
                "accessModes": ["ReadWriteMany"],
                "storageClassName": "shared-nvme",
                "resources": {"requests": {"storage": "2Ti"}},
            }
        },
        "ConfigMap/chat-engine": _tiers({"name": "shared", "ttlSeconds": 259200}),
    },
    "03-objective": {"CakeDeployment/chat": {"status": {"slo": {"state": "Unknown"}}}},
    "04-scaling": _engine(lifecycle={"preStop": {"sleep": {"seconds": 15}}}),
    "05-fixed-knobs": _knobs(
        mode="Static",
        staticMeetingPoint=0.4,
        loadBandwidthBytesPerSecond={"shared": 4 * 2**30},
        writeBandwidthBytesPerSecond={"shared": 2**30},
        minimumLoadTokens=512,
    ),
    "06-pod-template": _pod(
        priorityClassName="serving",
        nodeSelector={"example.com/gpu": "h100"},
        containers=[
            {
                "name": "engine",
                "env": [{"name": "HF_HUB_OFFLINE", "value": "1"}],
                "resources": {"limits": {"nvidia.com/gpu": "4"}},
            }
        ],
    ),
    "07-closed": {
        **_engine(env=[{"name": "VLLM_API_KEY", "valueFrom": _KEY}]),
        "NetworkPolicy/chat": {"spec": {"ingress": [{"from": _PEERS}]}},
    },
    "08-two-on-one-claim": {
        "Deployment/chat": {"spec": {"replicas": 2, **_ONE_CLAIM["spec"]}},
        "Deployment/batch": {"spec": {"replicas": 1, **_ONE_CLAIM["spec"]}},
        "ConfigMap/chat-engine": _SHARED_TB,
        "ConfigMap/batch-engine": _SHARED_TB,
        "PersistentVolumeClaim/kv": {},
    },
    "09-autoscaler": {
        "Deployment/chat": {"spec": {"replicas": 2}},
        "CakeDeployment/chat": {"status": {"selector": "app.kubernetes.io/name=cake-engine,cake.dev/deployment=chat"}},
    },
    "10-recommend": _knobs(mode="Adaptive", writeBandwidthBytesPerSecond={"shared": 500 * 2**20}),
    "11-smaller-blocks": {
        "ConfigMap/chat-engine": _tiers(
            {"name": "memory", "codec": "Raw"}, {"name": "local", "codec": "Raw"}, {"name": "archive", "codec": "Zstd"}
        )
    },
    "12-no-spare-gpu": {
        "Deployment/chat": {
            "spec": {
                "replicas": 4,
                "progressDeadlineSeconds": 3600,
                "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            }
        }
    },
    "13-chosen-user-ids": _pod(
        securityContext={"runAsNonRoot": True, "runAsUser": None, "runAsGroup": None, "fsGroup": None}
    ),
    "14-two-tenants": {
        **{f"Deployment/{name}": _of_tenant(name) for name in ("search", "legal")},
        "ConfigMap/search-engine": _SHARED_TB,
        "ConfigMap/legal-engine": _SHARED_TB,
    },
    "cakedeployment": {"Deployment/chat": {"spec": {"replicas": 1}}},
}


def _documents(text: str, namespace: str) -> list[Object]:
    """An example in a namespace. No pod comes to run: this is about the objects."""
    documents = [merged(one, {"metadata": {"namespace": namespace}}) for one in yaml.safe_load_all(text)]
    return [merged(one, {"spec": {"engine": NEVER_RUN}}) if one["kind"] == CAKE else one for one in documents]


def _list(items: list[Object]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


@pytest.fixture(scope="module")
def applied(api_server: Cluster, operator: OperatorProcess) -> Iterator[dict[str, dict[str, Object]]]:
    """What the operator made of each example, by KIND/NAME. All are applied at once, in a namespace each."""
    del operator  # it works beside us
    run = uuid.uuid4().hex[:6]
    spaces = {path.stem: f"example-{path.stem}-{run}" for path in EXAMPLES}
    everything = [one for path in EXAMPLES for one in _documents(path.read_text(), spaces[path.stem])]
    cakes = [document for document in everything if document["kind"] == CAKE]
    namespaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in spaces.values()]
    api_server.kubectl("create", "-f", "-", input=_list(namespaces))
    try:
        # Strictly: a field that the server does not know is refused, not dropped.
        api_server.kubectl("apply", "--server-side", "--validate=strict", "-f", "-", input=_list(everything))
        eventually(lambda: _acted_on(api_server, cakes), "the operator has acted on every example")
        found = eventually(lambda: _with_children(api_server, cakes), "all children are there")
        yield {name: found[space] for name, space in spaces.items()}
    finally:
        # The operator has no more to do with them when the namespaces go.
        api_server.kubectl("delete", "--ignore-not-found", "-f", "-", input=_list(cakes))
        api_server.kubectl("delete", "namespace", "--wait=false", *spaces.values())


def _name(document: Object) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


def _space(document: Object) -> str:
    return str(document["metadata"]["namespace"])


def _acted_on(cluster: Cluster, cakes: list[Object]) -> bool:
    live = {(_space(one), _name(one)): one for one in cluster.get("cakedeployments", "-A")["items"]}
    for cake in cakes:
        seen = live[_space(cake), _name(cake)]
        observed = seen.get("status", {}).get("observedGeneration")
        assert observed == seen["metadata"]["generation"], f"{_space(cake)}: acted on {observed}"
    return True


def _with_children(cluster: Cluster, cakes: list[Object]) -> dict[str, dict[str, Object]]:
    """All objects by namespace, once each example has the children that every one has."""
    found: dict[str, dict[str, Object]] = {}
    for one in cluster.get(f"cakedeployments,{CHILDREN}", "-A")["items"]:
        found.setdefault(_space(one), {})[_name(one)] = one
    for cake in cakes:
        missing = {child.format(cake["metadata"]["name"]) for child in ALWAYS} - set(found[_space(cake)])
        assert not missing, f"{_space(cake)}: no {missing}"
    return found


def _parsed(document: Object) -> Object:
    """The object, with the files of our ConfigMaps read: they are JSON."""
    if not re.fullmatch(r"ConfigMap/.*-(engine|tuning)", _name(document)):
        return document
    return {**document, "data": {name: json.loads(text) for name, text in document["data"].items()}}


def _lacks(whole: Any, part: Any, where: str) -> list[str]:
    """Where `part` is not in `whole`: objects by their members, lists by having an element for each."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return [lack for key, value in part.items() for lack in _lacks(whole.get(key), value, f"{where}.{key}")]
    if isinstance(part, list) and isinstance(whole, list):
        missing = [one for one in part if all(_lacks(other, one, where) for other in whole)]
        return [f"{where} has no {one}" for one in missing]
    return [] if whole == part else [f"{where} is {whole}, not {part}"]


def test_every_example_has_a_promise_to_keep() -> None:
    assert set(PROMISED) == {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("name", PROMISED)
def test_an_example_keeps_what_its_comment_promises(applied: dict[str, dict[str, Object]], name: str) -> None:
    promised, found = PROMISED[name], applied[name]
    assert set(promised) <= set(found)
    assert [lack for key, part in promised.items() for lack in _lacks(_parsed(found[key]), part, key)] == []
