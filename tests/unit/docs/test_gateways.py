"""The routes of the page about gateways lead to what the operator makes."""

from typing import Any

import pytest
import yaml

from tests.unit.docs.test_blocks import blocks
from tests.unit.render.golden import path

PAGE = "docs/how-to/gateway-api.md"
ROUTES = [one for page, text in blocks("yaml") if page == PAGE for one in yaml.safe_load_all(text)]
CHILDREN = {one["kind"]: one for one in yaml.safe_load_all(path("five_fields").read_text())}


def backend(route: dict[str, Any]) -> dict[str, Any]:
    ((found,),) = [rule["backendRefs"] for rule in route["spec"]["rules"]]
    assert isinstance(found, dict)
    return found


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [one for one in ROUTES if one["kind"] == kind]


def test_a_route_to_the_service_names_it_and_its_port() -> None:
    service = CHILDREN["Service"]
    (reference,) = (one for one in map(backend, of_kind("HTTPRoute")) if "kind" not in one)
    assert reference == {"name": service["metadata"]["name"], "port": service["spec"]["ports"][0]["port"]}


def test_an_inference_pool_selects_the_engines_pods_and_their_port() -> None:
    (pool,) = of_kind("InferencePool")
    template = CHILDREN["Deployment"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert pool["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert pool["spec"]["targetPorts"] == [{"number": port["containerPort"]} for port in container["ports"]]


@pytest.mark.parametrize("kind", ["HTTPRoute", "InferencePool"])
def test_every_object_of_the_page_has_a_name_and_a_namespace(kind: str) -> None:
    assert {one["metadata"]["namespace"] for one in of_kind(kind)} == {"team-a"}


def test_a_route_to_the_pool_names_it_by_its_kind() -> None:
    (pool,) = of_kind("InferencePool")
    (reference,) = (one for one in map(backend, of_kind("HTTPRoute")) if "kind" in one)
    assert reference == {
        "group": pool["apiVersion"].partition("/")[0],
        "kind": pool["kind"],
        "name": pool["metadata"]["name"],
    }
