"""What is written for kinds of others is what their own CRDs take: monitors and rules, routes, a scaled object.

The chart's sets of values are judged here for the kinds that test_chart_value_sets leaves out.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cake_operator.render.prometheus_rule import RuleSettings, prometheus_rules
from tests.cluster.cakes import Object
from tests.cluster.conftest import fresh_namespace
from tests.cluster.test_chart_value_sets import FOREIGN, documents
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster, CommandError, foreign_kinds
from tests.started_here import started_here
from tests.unit.api.specs import merged
from tests.unit.dashboards.queries import CHAT
from tests.unit.docs.test_blocks import blocks

pytestmark = started_here

OF_GUIDES = {
    f"{Path(page).name}, {one['kind']} {number}": one
    for page, text in blocks("yaml")
    if page.endswith(("gateway-api.md", "autoscalers.md"))
    for number, one in enumerate(yaml.safe_load_all(text))
    if not one["apiVersion"].startswith(("cake.dev/", "rbac."))
}
OF_THE_OPERATOR = {
    f"{CHAT.metadata.name}-slo": one for one in prometheus_rules(CHAT, RuleSettings(labels={"release": "stack"}))
}
WRITTEN = OF_GUIDES | OF_THE_OPERATOR
# Sets of values that ask for the Prometheus Operator's kinds.
MONITORED = ["prometheus-operator", "rendered-elsewhere"]


def of_the_chart(name: str) -> list[Object]:
    return [one for one in documents(name) if one["apiVersion"].startswith(FOREIGN)]


@pytest.fixture(scope="module")
def namespace(api_server: Cluster) -> Iterator[str]:
    """A namespace of a cluster that has the kinds; they go afterwards, for others count on their absence."""
    folder = foreign_kinds.fetch()
    files = [word for one in foreign_kinds.DEFINITIONS for word in ("-f", folder / one.name)]
    api_server.kubectl("apply", "--server-side", *files)
    try:
        eventually(lambda: _served(api_server), "the kinds are served")
        with fresh_namespace(api_server) as name:
            yield name
    finally:
        api_server.kubectl("delete", "--ignore-not-found", *files)


def _served(cluster: Cluster) -> bool:
    kinds = {Path(one.name).stem.partition("_") for one in foreign_kinds.DEFINITIONS}
    try:
        cluster.kubectl("get", ",".join(sorted(f"{plural}.{group}" for group, _, plural in kinds)), "-A")
    except CommandError as error:
        raise AssertionError(error.stderr) from error
    return True


def judged(cluster: Cluster, namespace: str, *objects: Object) -> int:
    """How many of the objects a server that knows their kinds takes, in this namespace and without their owners."""
    here = [merged(one, {"metadata": {"namespace": namespace, "ownerReferences": None}}) for one in objects]
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": here})
    strictly = ("--server-side", "--dry-run=server", "--validate=strict")
    return len(cluster.kubectl("apply", *strictly, "-f", "-", input=body).splitlines())


def test_guides_and_the_operator_write_for_all_kinds_but_the_monitor() -> None:
    kinds = sorted({one["kind"] for one in WRITTEN.values()})
    assert kinds == ["HTTPRoute", "InferencePool", "PrometheusRule", "ScaledObject"]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_kind_of_another_project_takes_what_is_written_for_it(api_server: Cluster, namespace: str, name: str) -> None:
    assert judged(api_server, namespace, WRITTEN[name]) == 1


@pytest.mark.parametrize("name", MONITORED)
def test_the_prometheus_operator_takes_the_charts_monitors_and_rules(
    api_server: Cluster, namespace: str, name: str
) -> None:
    assert judged(api_server, namespace, *of_the_chart(name)) == 3


def test_what_such_a_kind_does_not_know_is_refused(api_server: Cluster, namespace: str) -> None:
    (monitor, *_) = (one for one in of_the_chart(MONITORED[0]) if one["kind"] == "PodMonitor")
    with pytest.raises(CommandError, match="podMetricEndpoints"):
        judged(api_server, namespace, merged(monitor, {"spec": {"podMetricEndpoints": []}}))
