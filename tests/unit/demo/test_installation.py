import json

import pytest

from demo.installation import OPERATOR_NAMESPACE, chart_image, chart_values, prometheus_objects
from demo.run import example
from tests.localcluster import Images

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("reference", "repository", "tag", "digest"),
    [
        ("operator", "operator", "latest", ""),
        ("operator:1", "operator", "1", ""),
        ("registry.example.com/cake/operator:1.2", "registry.example.com/cake/operator", "1.2", ""),
        ("registry.example.com:5000/operator", "registry.example.com:5000/operator", "latest", ""),
        ("registry.example.com:5000/operator:1", "registry.example.com:5000/operator", "1", ""),
        (f"registry.example.com/operator@{DIGEST}", "registry.example.com/operator", "latest", DIGEST),
        (f"registry.example.com/operator:1@{DIGEST}", "registry.example.com/operator", "1", DIGEST),
    ],
)
def test_an_image_of_any_form_is_one_for_the_chart(reference: str, repository: str, tag: str, digest: str) -> None:
    assert chart_image(reference) == {"repository": repository, "tag": tag, "digest": digest}


def test_the_chart_gets_the_images_and_the_prometheus_of_the_cluster() -> None:
    values = chart_values(Images("o:1", "e:2", "p:3"), "http://prometheus.here:9090")

    assert (values["image"]["repository"], values["engine"]) == ("o", {"image": "e:2"})
    assert values["prometheus"]["url"] == "http://prometheus.here:9090"


def test_prometheus_judges_the_objective_of_the_cakedeployment_that_will_be_there() -> None:
    objects = prometheus_objects(Images("o:1", "e:2", "p:3"), "here", [example()])

    (rules,) = (thing["data"]["rules.json"] for thing in objects if "rules.json" in thing.get("data", {}))
    names = [group["name"] for group in json.loads(rules)["groups"]]
    assert names == ["cake-fleet", "cake-slo.cake-demo.chat", "cake-slo-budget.cake-demo.chat"]


def test_prometheus_may_look_for_pods_beside_it_and_where_the_operator_is() -> None:
    objects = prometheus_objects(Images("o:1", "e:2", "p:3"), "here", [])

    allowed = {thing["metadata"]["namespace"]: thing for thing in objects if thing["kind"] == "RoleBinding"}
    assert set(allowed) == {"here", OPERATOR_NAMESPACE}
    assert {thing["subjects"][0]["namespace"] for thing in allowed.values()} == {"here"}
    assert {thing["metadata"]["namespace"] for thing in objects if thing["kind"] == "Deployment"} == {"here"}
