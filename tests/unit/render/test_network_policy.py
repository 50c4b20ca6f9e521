"""Who may reach the engines."""

from typing import Any

import pytest

from cake_operator.api import CakeDeployment
from cake_operator.render.network_policy import network_policies
from cake_operator.render.pod import pod_template
from tests.unit.api.specs import FIVE_FIELDS, merged
from tests.unit.render.golden import SETTINGS

CLIENTS = {"podSelector": {"matchLabels": {"app": "web"}}}
MONITORING = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}


def cake(**spec: Any) -> CakeDeployment:
    return CakeDeployment.model_validate(merged(FIVE_FIELDS, {"spec": spec}))


def test_without_a_word_about_it_everybody_may() -> None:
    assert network_policies(cake()) == []


@pytest.mark.parametrize("peers", [[CLIENTS], [CLIENTS, MONITORING]])
def test_only_the_peers_that_are_named_reach_the_pods_of_this_one(peers: list[Any]) -> None:
    resource = cake(networkPolicy={"from": peers})
    (policy,) = network_policies(resource)
    spec, pod = policy["spec"], pod_template(resource, SETTINGS)
    assert spec["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    ports = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
    assert spec["ingress"] == [{"from": peers, "ports": [{"port": "http", "protocol": "TCP"}]}]
    assert "http" in ports
    assert spec["policyTypes"] == ["Ingress"]
