"""What status tells a user of pods, claims and specs that are not as they should be.

There is no kubelet here: the test reports the status of pods and claims in its place, and the real controllers of
Kubernetes draw their conclusions from it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from tests.cluster.cakes import MEMORY, NAME, READY, Cake, Object, bind, waiting
from tests.cluster.conftest import CRDS
from tests.cluster.operator_process import OperatorProcess
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster

pytestmark = pytest.mark.usefixtures("operator")

CRD = "crd/cakedeployments.cake.dev"
CONDITIONS = [
    *("Ready", "Progressing", "SLOMet", "MetricsAvailable", "BalanceApplied", "TierDegraded", "ReplicasContested")
]


@pytest.fixture
def cake(api_server: Cluster, namespace: str) -> Cake:
    return Cake(api_server, namespace)


def one_pod(cake: Cake) -> str:
    return str(eventually(cake.pods, "the ReplicaSet makes a pod")[0]["metadata"]["name"])


def test_every_condition_is_there_and_tells_of_the_present_spec(cake: Cake) -> None:
    cake.apply()
    cake.made()
    cake.apply(engine={"args": ["--seed=1"]})
    generation = cake.must("cake")["metadata"]["generation"]
    eventually(lambda: cake.status()["observedGeneration"] == generation, "status follows the spec")
    conditions = cake.status()["conditions"]
    assert [one["type"] for one in conditions] == CONDITIONS
    assert {one["observedGeneration"] for one in conditions} == {generation}
    assert all(one["lastTransitionTime"] and one["message"] for one in conditions)


def test_ready_follows_the_pods(cake: Cake) -> None:
    cake.apply()
    assert "starting" in cake.awaits("Ready", "False", "Starting")
    cake.become(one_pod(cake), READY)
    cake.awaits("Ready", "True", "Serving")
    assert "1 of 1" in cake.awaits("Progressing", "False", "Complete")
    assert cake.status()["readyReplicas"] == 1
    cake.become(one_pod(cake), {"conditions": [{"type": "Ready", "status": "False"}]})
    cake.awaits("Ready", "False", "Starting")


def test_a_condition_keeps_its_time_until_it_turns(cake: Cake, operator: OperatorProcess) -> None:
    cake.apply()
    cake.awaits("Ready", "False", "Starting")
    before = {one["type"]: one["lastTransitionTime"] for one in cake.status()["conditions"]}
    cake.apply(engine={"args": ["--seed=1"]})
    cake.made()
    operator.settle()
    assert {one["type"]: one["lastTransitionTime"] for one in cake.status()["conditions"]} == before


CRASH = {"exitCode": 1, "message": "INFO start\nValueError: no config.json in /models\n", "reason": "Error"}
FAILURES: dict[str, tuple[Object, str, str]] = {
    "image": (waiting("ImagePullBackOff", 'Back-off pulling image "x"'), "ImagePullBackOff", "Back-off pulling"),
    "secret": (waiting("CreateContainerConfigError", 'secret "hub" not found'), "CreateContainerConfigError", "hub"),
    "crash": (waiting("CrashLoopBackOff", last=CRASH), "CrashLoopBackOff", "ValueError: no config.json in /models"),
    "memory": (
        waiting("CrashLoopBackOff", last={"exitCode": 137, "reason": "OOMKilled"}),
        "OOMKilled",
        "limits.memory",
    ),
    "node": (
        {
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "Unschedulable",
                    "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
                }
            ]
        },
        "Unschedulable",
        "Insufficient nvidia.com/gpu",
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_pod_that_cannot_start_gives_its_own_reason(cake: Cake, failure: str) -> None:
    status, reason, said = FAILURES[failure]
    cake.apply()
    cake.become(one_pod(cake), status)
    for kind in ("Ready", "Progressing"):
        assert said in cake.awaits(kind, "False", reason)


def test_a_broken_rollout_says_so_while_the_old_pods_serve(cake: Cake) -> None:
    cake.apply()
    old = one_pod(cake)
    cake.become(old, READY)
    cake.awaits("Progressing", "False", "Complete")
    cake.apply(engine={"image": "registry.example/nothing:here"})
    new = eventually(lambda: [p for p in cake.pods() if p["metadata"]["name"] != old], "a new pod beside the old one")
    cake.become(new[0]["metadata"]["name"], waiting("ErrImagePull", "not found"))
    cake.awaits("Progressing", "False", "ErrImagePull")
    cake.awaits("Ready", "True", "Serving")
    assert old in [pod["metadata"]["name"] for pod in cake.pods()]


def test_a_quota_that_refuses_pods_is_said(cake: Cake) -> None:
    cake.kubectl("create", "quota", "none", "--hard=pods=0")
    cake.apply()
    assert "exceeded quota" in cake.awaits("Progressing", "False", "PodsRefused")


def test_a_claim_that_is_not_there_is_named_until_it_is(cake: Cake) -> None:
    cake.apply(kvTiers=[MEMORY, {"name": "shared", "persistentVolumeClaim": {"claimName": "kv"}, "capacity": "1Gi"}])
    assert "claim kv does not exist" in cake.awaits("TierDegraded", "True", "ClaimMissing")
    make_claim(cake, "kv", "ReadWriteMany")
    assert "kubectl describe pvc kv" in cake.awaits("TierDegraded", "True", "ClaimPending")
    bind(cake, "kv")
    cake.awaits("TierDegraded", "False", "TiersUsable")


def test_a_model_claim_that_is_not_there_keeps_it_from_being_ready(cake: Cake) -> None:
    cake.apply(model={"name": "tiny", "source": {"persistentVolumeClaim": {"claimName": "models"}}})
    assert "spec.model.source: claim models does not exist" in cake.awaits("Ready", "False", "ClaimMissing")


def test_a_claim_for_one_node_is_named_where_several_pods_shall_share_it(cake: Cake) -> None:
    make_claim(cake, "kv", "ReadWriteOnce")
    bind(cake, "kv")
    tiers = [MEMORY, {"name": "shared", "persistentVolumeClaim": {"claimName": "kv"}, "capacity": "1Gi"}]
    cake.apply(kvTiers=tiers, replicas=2)
    assert "ReadWriteMany" in cake.awaits("TierDegraded", "True", "ClaimNotShared")
    cake.apply(kvTiers=tiers, replicas=1)
    cake.awaits("TierDegraded", "False", "TiersUsable")


def test_two_writers_of_replicas_are_told_of_and_not_fought(cake: Cake) -> None:
    cake.apply(replicas=1)
    cake.made()
    cake.awaits("ReplicasContested", "False", "OneWriter")
    for _ in range(2):
        cake.kubectl("scale", "deployment", NAME, "--replicas=2")
        eventually(lambda: cake.must("deployment")["spec"]["replicas"] == 1, "the number is taken back")
    cake.kubectl("scale", "deployment", NAME, "--replicas=2")
    assert "kubectl keeps setting spec.replicas" in cake.awaits("ReplicasContested", "True", "TwoWriters")
    assert cake.must("deployment")["spec"]["replicas"] == 2
    assert cake.status()["scaling"]["reason"].endswith("is left to kubectl")


def test_a_pod_template_that_cannot_be_merged_is_named(cake: Cake) -> None:
    cake.apply()
    cake.made()
    cake.apply(engine={"podTemplate": {"spec": {"containers": [{"image": "x"}]}}})
    assert "containers[0]" in cake.awaits("Progressing", "False", "InvalidSpec")


def test_what_the_api_server_refuses_is_said_in_its_words(cake: Cake) -> None:
    cake.apply(engine={"podTemplate": {"spec": {"volumes": [{"name": "No!", "emptyDir": {}}]}}})
    assert "Deployment chat" in cake.awaits("Progressing", "False", "ApplyRefused")
    assert cake.get("service") is not None


def test_without_prometheus_replicas_are_held_and_status_says_why(cake: Cake) -> None:
    cake.apply(slo={"ttft": {"target": "1s"}}, scaling={"minReplicas": 2, "maxReplicas": 4})
    assert "cannot be reached" in cake.awaits("MetricsAvailable", "False", "PrometheusFailed")
    cake.awaits("SLOMet", "Unknown", "NoFigures")
    assert cake.must("deployment")["spec"]["replicas"] == 2
    assert cake.status()["scaling"]["valid"] is False


def test_a_spec_that_was_stored_before_a_rule_existed_is_named_and_what_runs_is_left(cake: Cake) -> None:
    cake.apply()
    before = cake.made()["deployment"]["spec"]
    with rules_lifted(cake.cluster):
        cake.patch("cake", NAME, {"spec": {"kvTiers": [{**MEMORY, "capacity": "lots"}]}})
    message = cake.awaits("Progressing", "False", "InvalidSpec")
    assert "spec.kvTiers[0].capacity" in message
    assert cake.must("deployment")["spec"] == before
    cake.apply()
    cake.awaits("Progressing", "True", "Starting")


@contextmanager
def rules_lifted(cluster: Cluster) -> Iterator[None]:
    """A moment in which the API server takes any spec, as one of before our rules would have."""
    text = (CRDS / "cakedeployments.cake.dev.yaml").read_text()
    lax: Any = yaml.safe_load(text)
    schema = lax["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema.pop("x-kubernetes-validations", None)
    write = ("apply", "--server-side", "--force-conflicts", "-f", "-")
    cluster.kubectl(*write, input=json.dumps(lax))
    try:
        yield
    finally:
        cluster.kubectl(*write, input=text)


def make_claim(cake: Cake, name: str, mode: str) -> None:
    spec = {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}
    cake.kubectl("create", "-f", "-", input=claim)
