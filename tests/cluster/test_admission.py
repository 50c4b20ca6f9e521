"""What a real API server makes of CakeDeployments: refusals in our words, defaults, columns, scale."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cake_operator.api import CakeDeployment
from tests.localcluster import Cluster, CommandError
from tests.unit.api.specs import (
    ACCEPTED,
    EXAMPLES,
    FIVE_FIELDS,
    MADE,
    MEMORY,
    REFUSED,
    Case,
    merged,
    named,
)

NAMESPACE = "admission"


@pytest.fixture(scope="module")
def api(api_server: Cluster) -> Iterator["Api"]:
    """A namespace of an API server that has the CRD."""
    api_server.kubectl("create", "namespace", NAMESPACE)
    yield Api(api_server)
    api_server.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


class Api:
    """kubectl in the namespace of these tests."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def run(self, *arguments: str, body: dict[str, Any] | None = None) -> str:
        return self.cluster.kubectl("-n", NAMESPACE, *arguments, input=None if body is None else json.dumps(body))

    def judge(self, body: dict[str, Any]) -> dict[str, Any]:
        """What the server would store, after defaults and every check, without storing it."""
        return json.loads(self.run("create", "--dry-run=server", "-o", "json", "-f", "-", body=body))

    def refusal(self, *arguments: str, body: dict[str, Any] | None = None) -> str:
        with pytest.raises(CommandError) as refused:
            self.run(*arguments, body=body)
        return refused.value.stderr


@pytest.fixture
def stored(api: Api) -> Iterator[dict[str, Any]]:
    """The five-field example, stored; gone after the test."""
    yield json.loads(api.run("create", "-o", "json", "-f", "-", body=FIVE_FIELDS))
    api.run("delete", "cake", "chat")


@pytest.mark.parametrize("case", REFUSED, ids=named)
def test_the_server_refuses_with_the_sentence_that_says_what_to_write(api: Api, case: Case):
    said = api.refusal("create", "--dry-run=server", "-f", "-", body=case.object())
    assert case.sentence in said
    assert case.path in said


@pytest.mark.parametrize("case", ACCEPTED, ids=named)
def test_what_the_server_stores_means_the_same_to_the_models(api: Api, case: Case):
    by_server = CakeDeployment.model_validate(api.judge(case.object()))
    by_models = CakeDeployment.model_validate(case.object())
    assert by_server.spec == by_models.spec


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_can_be_applied(api: Api, path: Path):
    for document in yaml.safe_load_all(path.read_text()):
        if document["kind"] == "CakeDeployment":
            document["metadata"].pop("namespace", None)
            assert api.judge(document)["spec"]["scaling"]["maxReplicas"] >= 1


def test_five_fields_are_stored_with_every_default_written_out(stored: dict[str, Any]):
    spec = stored["spec"]
    assert spec["engine"]["drain"] == {"preStop": "15s", "shutdownTimeout": "120s"}
    assert spec["balance"]["mode"] == "Adaptive"
    assert spec["balance"]["bounds"] == {"writeBandwidth": {}}
    assert spec["kvTiers"][1]["persistentVolumeClaim"]["retain"] == "Keep"
    assert spec["scaling"] == {
        "minReplicas": 1,
        "maxReplicas": 1,
        "scaleUpStabilization": "0s",
        "scaleDownStabilization": "300s",
    }


def test_null_stands_for_absent_where_a_template_left_a_field_empty(api: Api):
    body = copy.deepcopy(FIVE_FIELDS)
    body["spec"] |= {"slo": None, "replicas": None, "balance": None}
    assert api.judge(body)["spec"]["balance"]["mode"] == "Adaptive"


def test_a_misspelt_field_is_reported_by_kubectl(api: Api):
    body = merged(FIVE_FIELDS, {"spec": {"scaling": {"maxReplica": 3}}})
    assert 'unknown field "spec.scaling.maxReplica"' in api.refusal("create", "-f", "-", body=body)


def test_kubectl_get_shows_the_columns_that_users_ask_for(api: Api, stored: dict[str, Any]):
    status = {
        "replicas": 3,
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "AllReady",
                "message": "3 of 3 pods are ready",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }
        ],
        "slo": {"ttft": "0.42s", "state": "Met"},
        "balance": {"mode": "Adaptive", "meetingPoint": 0.4},
    }
    api.run("patch", "cake", "chat", "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
    header, row = api.run("get", "cake", "chat").splitlines()
    assert header.split() == ["NAME", "READY", "REPLICAS", "TTFT", "SLO", "BALANCE", "AGE"]
    assert row.split()[:-1] == ["chat", "True", "3", "0.42s", "Met", "Adaptive"]
    assert "3 of 3 pods are ready" in api.run("get", "cake", "chat", "-o", "wide")


def test_a_status_written_by_the_operator_survives_the_server_and_is_read_again(api: Api, stored: dict[str, Any]):
    cake = CakeDeployment.model_validate(
        stored
        | {
            "status": {
                "observedGeneration": 1,
                "selector": "cake.dev/deployment=chat",
                "scaling": {"desiredReplicas": 2, "reason": "ttft p90 1.4 s is over 1 s", "valid": True},
                "balance": {"mode": "Adaptive", "generation": 3, "recommendation": {"retainFrom": 0.25}},
            }
        }
    )
    status = cake.status.model_dump(by_alias=True, mode="json", exclude_none=True)
    api.run("patch", "cake", "chat", "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
    read = CakeDeployment.model_validate(json.loads(api.run("get", "cake", "chat", "-o", "json")))
    assert read.status == cake.status


def test_the_status_is_not_written_with_the_spec(api: Api, stored: dict[str, Any]):
    api.run("patch", "cake", "chat", "--type=merge", "-p", '{"status": {"replicas": 7}}')
    assert "replicas" not in json.loads(api.run("get", "cake", "chat", "-o", "json")).get("status", {})


def test_kubectl_scale_sets_the_replicas_of_the_spec(api: Api, stored: dict[str, Any]):
    api.run("scale", "cake/chat", "--replicas=3")
    assert json.loads(api.run("get", "cake", "chat", "-o", "json"))["spec"]["replicas"] == 3


def test_an_autoscaler_finds_replicas_and_selector_in_the_scale_subresource(api: Api, stored: dict[str, Any]):
    # Without spec.replicas the server cannot answer for the scale: the reference tells users of an autoscaler so.
    api.run("scale", "cake/chat", "--replicas=2")
    status = {"status": {"replicas": 2, "selector": "cake.dev/deployment=chat"}}
    api.run("patch", "cake", "chat", "--subresource=status", "--type=merge", "-p", json.dumps(status))
    path = f"/apis/cake.dev/v1alpha1/namespaces/{NAMESPACE}/cakedeployments/chat/scale"
    scale = json.loads(api.cluster.kubectl("get", "--raw", path))
    assert scale["spec"] == {"replicas": 2}
    assert scale["status"] == {"replicas": 2, "selector": "cake.dev/deployment=chat"}


@pytest.fixture
def with_made_claim(api: Api) -> Iterator[None]:
    """A stored CakeDeployment whose second tier is a claim that the operator makes; gone after the test."""
    api.run("create", "-f", "-", body=merged(FIVE_FIELDS, {"spec": {"kvTiers": [MEMORY, MADE]}}))
    yield
    api.run("delete", "cake", "chat")


CHANGES = [
    (
        "another class",
        MADE | {"persistentVolumeClaim": {"template": {"storageClassName": "fast"}}},
        "the class and access modes of a claim cannot change once it is made: give the tier a new name",
    ),
    ("less capacity", MADE | {"capacity": "50Gi"}, "a claim cannot shrink: keep the capacity or raise it"),
]


@pytest.mark.parametrize(("what", "tier", "sentence"), CHANGES, ids=[change[0] for change in CHANGES])
@pytest.mark.usefixtures("with_made_claim")
def test_what_a_claim_cannot_change_is_refused(api: Api, what: str, tier: dict[str, Any], sentence: str):
    changed = merged(FIVE_FIELDS, {"spec": {"kvTiers": [MEMORY, tier]}})
    assert sentence in api.refusal("apply", "--server-side", "--force-conflicts", "-f", "-", body=changed)


@pytest.mark.usefixtures("with_made_claim")
def test_a_claim_may_grow_and_a_tier_may_go(api: Api):
    for tiers in ([MEMORY, MADE | {"capacity": "200Gi"}], [MEMORY]):
        patch = json.dumps({"spec": {"kvTiers": tiers}})
        api.run("patch", "cake", "chat", "--type=merge", "-p", patch)
