"""The operator with a real Prometheus: what the pods confirm, and what their latencies ask for.

Pods are made by the real controllers and run nowhere; an exporter stands in for their engines, by their names.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cluster.cakes import READY, Cake
from tests.cluster.engine_metrics import Engine, Pod, exporter, serve_requests
from tests.cluster.operator_process import OperatorProcess
from tests.cluster.prometheus_server import PrometheusServer, prometheus
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster
from tests.unit.dashboards.queries import asked_for, whole


@dataclass
class Load:
    """What the engines of a test do.

    Attributes:
        generation: The live configuration that they say they run with.
        ttft: Seconds to the first token of each request.
        waiting: Requests that wait at each engine, of four that come each second.
    """

    generation: int = 1
    ttft: float = 0.2
    waiting: int = 1
    pods: list[Pod] = field(default_factory=list)

    def moment(self, engine: Engine) -> None:
        """Serve some requests, in that way."""
        serve_requests(engine, ttft=self.ttft, waiting=self.waiting)
        engine.generation.set(self.generation)


@pytest.fixture
def cake(api_server: Cluster, namespace: str) -> Cake:
    return Cake(api_server, namespace)


@contextmanager
def measured(cake: Cake, operator: OperatorProcess, load: Load, log: Path) -> Iterator[PrometheusServer]:
    """Let an operator with figures take over, once the pods are there to be scraped."""
    names = [pod["metadata"]["name"] for pod in eventually(cake.pods, "pods are made")]
    for name in names:
        cake.become(name, READY)
    pods = [Pod(cake.namespace, "chat", name, moment=load.moment) for name in names]
    operator.stop()
    try:
        with exporter(pods) as address:
            job = {"job_name": "engines", "static_configs": [pod.target(address) for pod in pods]}
            with prometheus([job]) as server:
                variables = {"CAKE_PROMETHEUS_URL": server.url, "CAKE_SCRAPE_INTERVAL_SECONDS": "1"}
                with OperatorProcess(cake.cluster.kubeconfig, log, **variables):
                    yield server
    finally:
        operator.start()


def test_the_operator_has_every_series_of_its_own_that_a_dashboard_or_a_rule_names(operator: OperatorProcess) -> None:
    own = {name for name in asked_for() if name.startswith("cake_operator_")}
    assert own
    assert own - {whole(family.name) for family in operator.families()} == set()


def test_a_setting_counts_as_applied_when_every_ready_pod_says_so(
    cake: Cake, operator: OperatorProcess, tmp_path: Path
) -> None:
    cake.apply(replicas=2, balance={"tuning": "Off"})
    eventually(lambda: len(cake.pods()) == 2, "two pods are made")
    load = Load()
    with measured(cake, operator, load, tmp_path / "log"):
        cake.awaits("BalanceApplied", "True", "Confirmed")
        cake.awaits("MetricsAvailable", "True", "Scraped")
        cake.apply(replicas=2, balance={"mode": "ComputeOnly", "tuning": "Off"})
        assert "Generation 2 waits for chat-" in cake.awaits("BalanceApplied", "False", "Waiting")
        balance = cake.status()["balance"]
        assert (balance["generation"], balance["confirmedGeneration"]) == (2, 1)
        load.generation = 2
        cake.awaits("BalanceApplied", "True", "Confirmed")
        assert cake.status()["balance"]["confirmedGeneration"] == 2


def test_a_missed_objective_adds_a_pod_and_says_which_figure_asked(
    cake: Cake, operator: OperatorProcess, tmp_path: Path
) -> None:
    slo = {"ttft": {"target": "1s"}}
    cake.apply(slo=slo, scaling={"maxReplicas": 2})
    with measured(cake, operator, Load(ttft=4.0, waiting=9), tmp_path / "log"):
        eventually(lambda: cake.must("deployment")["spec"]["replicas"] == 2, "a second replica")
        assert "TTFT" in cake.awaits("SLOMet", "False", "Missed")
        status = cake.status()
        assert status["scaling"]["desiredReplicas"] == 2
        assert "TTFT" in status["scaling"]["reason"]
        assert status["slo"]["ttft"].endswith("s")


def test_when_prometheus_dies_the_replicas_stay(cake: Cake, operator: OperatorProcess, tmp_path: Path) -> None:
    cake.apply(slo={"ttft": {"target": "1s"}}, scaling={"minReplicas": 1, "maxReplicas": 4})
    with measured(cake, operator, Load(ttft=4.0, waiting=9), tmp_path / "log") as server:
        eventually(lambda: cake.must("deployment")["spec"]["replicas"] == 2, "a second replica")
        server.kill()
        cake.awaits("MetricsAvailable", "False", "PrometheusFailed")
        assert cake.must("deployment")["spec"]["replicas"] == 2
        eventually(lambda: cake.status()["scaling"]["valid"] is False, "the decision is a held one")
