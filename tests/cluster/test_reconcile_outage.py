"""What happens while the operator cannot reach the API server is made up for, by the same process."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cakes import NAME, Cake
from tests.cluster.conftest import fresh_namespace, with_crds
from tests.cluster.line import Line
from tests.cluster.operator_process import OperatorProcess
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster
from tests.started_here import started_here

pytestmark = started_here

OUTAGE_SECONDS = 20.0
# The garbage collector hears of a new CRD after half a minute at most, and asks ever more seldom for owners of a kind
# that it has not heard of: 41 s after it saw the first of their children, then 82 s.
COLLECTION_SECONDS = 120.0


@pytest.fixture(scope="module")
def alone() -> Iterator[Cluster]:
    """An API server with no other operator on it."""
    with Cluster.up(control_plane_only=True) as cluster:
        with_crds(cluster)
        yield cluster


@pytest.fixture
def cake(alone: Cluster) -> Iterator[Cake]:
    with fresh_namespace(alone) as namespace:
        yield Cake(alone, namespace)


@pytest.fixture
def going(alone: Cluster) -> Iterator[Cake]:
    with fresh_namespace(alone) as namespace:
        yield Cake(alone, namespace)


@pytest.fixture
def line(alone: Cluster, tmp_path: Path) -> Iterator[Line]:
    line = Line(alone.kubeconfig, tmp_path)
    yield line
    line.close()


def test_what_happened_while_the_line_was_cut_is_made_up_for(
    cake: Cake, going: Cake, line: Line, tmp_path: Path
) -> None:
    with OperatorProcess(line.kubeconfig, tmp_path / "log") as operator:
        for one in (cake, going):
            one.apply()
            one.made()
        operator.settle()
        with line.cut():
            began = time.monotonic()
            cake.apply(engine={"args": ["--seed=1"]})
            cake.kubectl("delete", "service", NAME)
            going.kubectl("delete", "cake", NAME)
            time.sleep(OUTAGE_SECONDS - (time.monotonic() - began))
            assert operator.health() == 200
        eventually(lambda: "--seed=1" in str(cake.must("deployment")), "the argument arrives")
        eventually(lambda: cake.get("service"), "the Service is back")
        eventually(lambda: going.get("deployment") is None, "what has no owner is collected", COLLECTION_SECONDS)
        cake.surged()
        operator.settle()
        assert going.get("deployment") is None
        assert operator.figure("cake_operator_cakedeployments") == 1
        writes = operator.writes()
        operator.settle()
        assert operator.writes() == writes
