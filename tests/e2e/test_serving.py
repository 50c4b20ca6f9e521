"""A small fleet through its life on real nodes: up, retuned, scaled, deleted. The tests go in order."""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from cake_engine.config import Mode
from dashboards import all_dashboards
from dashboards.asking import Prometheus
from dashboards.drawing import drawing
from dashboards.layout import json_of
from demo import installation
from demo.fitting import fitted
from demo.prometheus import Recorded
from demo.scaling import reasons
from demo.served import Served, condition, ready
from demo.server import Server
from demo.tuning import Retuning, retunings
from tests.cluster.waiting import eventually
from tests.e2e.tiny import MEMORY, complete, deployment, weights
from tests.engine.serving import prompt
from tests.localcluster import Cluster, CommandError

NAMESPACE, NAME = "serving-test", "small"
CLAIM = f"{NAME}-shared"
START_SECONDS, TUNE_SECONDS, END_SECONDS = 600.0, 180.0, 300.0
LONG_ANSWER = 1000
PROMPTS = [prompt(1500, seed=seed) for seed in (1, 2)]

SLO = {"ttft": {"percentile": 90, "target": "30s"}}
TIGHT_SLO = {"ttft": {"percentile": 90, "target": "250ms"}}
CLIENTS = 6
"""Each with a new prompt of 15 steps at a time: together they miss the tight objective on one pod."""
SLOW_LOADS = {"loadBandwidth": {"shared": "1Mi"}}
"""So slow that all of a prompt is better computed, which the tuner finds out."""


@dataclass(frozen=True)
class Small:
    """The fleet under test."""

    served: Served
    server: Server
    prometheus: str
    recorded: Recorded

    def pods(self) -> list[dict[str, Any]]:
        """Its pods that are not on their way out."""
        found = self.served.cluster.get("pods", "-n", NAMESPACE, "-l", f"cake.dev/deployment={NAME}")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def lives(self) -> set[tuple[str, int]]:
        """Which pods there are, and how often their container was started anew."""
        return {(p["metadata"]["uid"], p["status"]["containerStatuses"][0]["restartCount"]) for p in self.pods()}


@pytest.fixture(scope="module")
def small(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """The operator by its chart, Prometheus, and a CakeDeployment with tiny random weights that is ready."""
    model = weights(tmp_path_factory.mktemp("model"))
    template = {"storageClassName": cluster.storage_class(NAMESPACE, CLAIM)}
    shared = {"name": "shared", "persistentVolumeClaim": {"template": template}, "capacity": "256Mi"}
    resource = deployment(NAMESPACE, NAME, kvTiers=[MEMORY, shared], slo=SLO)
    installation.install(cluster, NAMESPACE, resource)
    cluster.filled_claim(NAMESPACE, "models", model)
    # The operator keeps it when the CakeDeployment goes.
    cluster.in_the_end("kubectl", "delete", "persistentvolumeclaim", CLAIM, "-n", NAMESPACE, "--ignore-not-found")
    with Served(cluster, NAMESPACE, NAME) as served:
        cluster.apply(fitted(resource, cluster.engine(NAMESPACE)))
        served.wait("Ready", ready, START_SECONDS)
        prometheus = cluster.reach(NAMESPACE, "prometheus")
        recorded = Recorded(prometheus, NAMESPACE, NAME)
        yield Small(served, Server(cluster.reach(NAMESPACE, NAME)), prometheus, recorded)


def test_helm_test_finds_the_operator_at_work(small: Small) -> None:
    release = (installation.RELEASE, "-n", installation.OPERATOR_NAMESPACE)
    said = small.served.cluster.helm("test", *release, "--logs", "--timeout", installation.START_TIMEOUT)
    assert "CakeDeployments are served" in said
    assert "acts: it renewed the lease" in said


def test_each_mode_gives_the_same_tokens_on_a_pod_whose_own_caches_are_empty(small: Small) -> None:
    answers = []
    for mode in (Mode.COMPUTE_ONLY, Mode.LOAD_ONLY, Mode.ADAPTIVE):
        small.served.settle(small.served.patch({"balance": {"mode": mode.value}}), TUNE_SECONDS)
        small.server.forget()
        answers.append([complete(small.server, tokens) for tokens in PROMPTS])

    assert answers[1:] == answers[:1] * 2


def test_what_the_shared_tier_gave_is_in_prometheus(small: Small) -> None:
    def loaded() -> float:
        return small.recorded.totals("cake_prefix_tokens_total", "outcome", _now(small)).get("loaded", 0.0)

    assert eventually(loaded, "loaded prefix tokens are in Prometheus") >= len(PROMPTS[0]) // 2


def test_a_changed_knob_reaches_every_pod_without_a_restart(small: Small) -> None:
    before = small.lives()

    generation = small.served.patch({"balance": {"tuning": "Off", "knobs": {"retainFrom": 0.25}}})
    settled = small.served.settle(generation, TUNE_SECONDS)

    assert settled.status.balance is not None
    assert settled.status.balance.retain_from == 0.25
    assert small.recorded.total("cake_knob", _now(small), knob="retainFrom") == 0.25
    assert small.lives() == before


def test_a_wrong_knob_is_refused_and_changes_nothing(small: Small) -> None:
    with pytest.raises(CommandError, match="retainFrom"):
        small.served.patch({"balance": {"knobs": {"retainFrom": 25}}})

    assert small.served.now.spec.balance.knobs.retain_from == 0.25


def test_the_tuner_turns_a_knob_which_every_pod_confirms_and_judges_it_by_what_it_did_before_the_next_step(
    small: Small,
) -> None:
    before = small.lives()
    answers = [complete(small.server, tokens) for tokens in PROMPTS]
    bounds = {"retainFrom": {"max": 0.5}}
    tuned = {"mode": Mode.ADAPTIVE.value, "tuning": "Auto", "knobs": SLOW_LOADS, "bounds": bounds}
    small.served.settle(small.served.patch({"balance": tuned}), TUNE_SECONDS)
    first = len(small.served.history) - 1

    def turned() -> list[Retuning]:
        small.server.forget()
        assert [complete(small.server, tokens) for tokens in PROMPTS] == answers
        # The first requests meet early, as long as the engine believes in the loads of before: that may turn it down.
        return [one for one in retunings(small.served.history[first:]) if one.retain_from[1] > one.retain_from[0]]

    found = eventually(turned, "the tuner has turned a knob", START_SECONDS)[0]
    assert found.retain_from[1] == pytest.approx(found.retain_from[0] + 0.05)
    assert "meeting points" in found.reason

    judged = eventually(lambda: turned()[1:], "it has judged that by what was measured under it", START_SECONDS)[0]
    assert judged.at - found.at >= installation.TUNING_WINDOW_SECONDS
    assert judged.retain_from == pytest.approx((found.retain_from[1], found.retain_from[1] + 0.05))
    assert "meeting points" in judged.reason
    assert small.recorded.total("cake_knob", _now(small), knob="retainFrom") >= judged.retain_from[1]
    assert small.lives() == before

    off = {"tuning": "Off", "bounds": {"retainFrom": None}, "knobs": {"retainFrom": 0.25, "loadBandwidth": None}}
    small.served.settle(small.served.patch({"balance": off}), TUNE_SECONDS)


def test_kubectl_scale_adds_a_pod_that_has_confirmed_the_knobs_too(small: Small) -> None:
    small.served.kubectl("scale", "cakedeployment", NAME, "--replicas=2")
    grown = small.served.wait("two ready pods", lambda now: now.status.ready_replicas == 2, START_SECONDS)
    small.served.settle(grown.metadata.generation, TUNE_SECONDS)
    reported = small.recorded.totals("cake_config_generation", "pod", _now(small))
    assert len(set(reported)) == 2
    assert len(set(reported.values())) == 1
    assert complete(small.server, PROMPTS[0])


def test_a_pod_that_is_evicted_as_by_a_drained_node_finishes_its_answers_and_is_replaced(small: Small) -> None:
    eventually(lambda: _disruptions_allowed(small), "one pod may go")
    with ThreadPoolExecutor(4) as clients:
        answers = [clients.submit(complete, small.server, prompt(16, seed=seed), LONG_ANSWER) for seed in range(4)]
        busy = eventually(lambda: _busy(small), "a pod serves")
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": busy, "namespace": NAMESPACE}}
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{busy}/eviction"
        small.served.cluster.kubectl("create", "--raw", path, "-f", "-", input=json.dumps(eviction))
        assert [len(answer.result(END_SECONDS)) for answer in answers] == [LONG_ANSWER] * 4

    def others() -> bool:
        return busy not in {pod["metadata"]["name"] for pod in small.pods()}

    eventually(others, "the pod is on its way out")
    small.served.wait("two ready pods", lambda now: now.status.ready_replicas == 2 and others(), START_SECONDS)


def test_kubectl_scale_takes_a_pod_away(small: Small) -> None:
    small.served.kubectl("scale", "cakedeployment", NAME, "--replicas=1")
    small.served.wait("one pod", lambda now: now.status.replicas == 1, END_SECONDS)
    eventually(lambda: len(small.pods()) == 1, "one pod is left")
    assert complete(small.server, PROMPTS[0])


def test_the_objective_adds_a_replica_under_load_and_takes_it_away_in_silence_and_no_answer_is_lost(
    small: Small,
) -> None:
    first, seeds, over = len(small.served.history) - 1, itertools.count(1000), threading.Event()

    def ask() -> int:
        answered = 0
        while not over.is_set():
            answered += len(complete(small.server, prompt(1900, seed=next(seeds)))) == 8
        return answered

    scaling = {"minReplicas": 1, "maxReplicas": 2, "scaleDownStabilization": "20s"}
    small.served.patch({"replicas": None, "slo": TIGHT_SLO, "scaling": scaling})
    with ThreadPoolExecutor(CLIENTS) as clients:
        asking = [clients.submit(ask) for _ in range(CLIENTS)]
        try:
            small.served.wait("two ready pods", lambda now: now.status.ready_replicas == 2, START_SECONDS)
        finally:
            over.set()
        assert sum(one.result(END_SECONDS) for one in asking) == next(seeds) - 1000
    small.served.wait("one pod", lambda now: now.status.replicas == 1, END_SECONDS)
    eventually(lambda: len(small.pods()) == 1, "one pod is left", END_SECONDS)
    said = list(reasons(small.served.history[first:]))
    assert [one.split(":")[0] for one in said] == ["1 to 2", "2 to 1"]
    small.served.settle(small.served.patch({"replicas": 1, "slo": SLO}), TUNE_SECONDS)


def test_the_conditions_say_that_all_is_well(small: Small) -> None:
    for kind, status in {"Ready": "True", "MetricsAvailable": "True", "BalanceApplied": "True"}.items():
        small.served.wait(f"{kind}={status}", lambda now, k=kind, s=status: condition(now, k) == s, TUNE_SECONDS)
    assert condition(small.served.now, "TierDegraded") != "True"


@pytest.mark.parametrize("name", all_dashboards())
def test_every_panel_of_a_dashboard_has_data_of_this_fleet(small: Small, name: str) -> None:
    page = json.loads(json_of(all_dashboards()[name]))
    where = {"namespace": NAMESPACE, "operator": installation.OPERATOR_NAMESPACE}
    chosen = {**where, "deployment": NAME, "claim": CLAIM, "__rate_interval": "1m"}

    def drawn() -> bool:
        # A rate needs work between two scrapes, however often they were late: each look makes some.
        small.server.forget()
        complete(small.server, PROMPTS[0])
        end = _now(small)
        found = drawing(page, Prometheus(small.prometheus, chosen, end - 1800, end))
        assert not found.empty, f"nothing to show in {found.empty}"
        return True

    assert eventually(drawn, "every panel has data", END_SECONDS)


def test_deletion_leaves_the_claim_that_is_kept_and_nothing_else(small: Small) -> None:
    kinds = "deployments,replicasets,pods,services,configmaps,poddisruptionbudgets,persistentvolumeclaims"
    cluster = small.served.cluster

    small.served.kubectl("delete", "cakedeployment", NAME, "--wait=true")

    def left() -> set[tuple[str, str]]:
        found = cluster.get(kinds, "-n", NAMESPACE, "-l", f"cake.dev/deployment={NAME}")["items"]
        return {(item["kind"], item["metadata"]["name"]) for item in found}

    kept = {("PersistentVolumeClaim", CLAIM)}
    eventually(lambda: left() == kept, "only the kept claim is left", END_SECONDS)


def _busy(small: Small) -> str | None:
    """The name of a pod that has requests, by its own word."""
    for pod in small.pods():
        name = pod["metadata"]["name"]
        figures = small.served.cluster.kubectl(
            "get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/pods/{name}:8000/proxy/metrics"
        )
        if re.search(r"^vllm:num_requests_running\{[^}]*\} [1-9]", figures, re.MULTILINE):
            return str(name)
    return None


def _disruptions_allowed(small: Small) -> int:
    """How many pods may be evicted, by the PodDisruptionBudget."""
    budget = small.served.cluster.get("poddisruptionbudget", NAME, "-n", NAMESPACE)
    return int((budget.get("status") or {}).get("disruptionsAllowed", 0))


def _now(small: Small) -> float:
    """A moment for which every pod was scraped after this call."""
    return small.recorded.scraped(time.time())
