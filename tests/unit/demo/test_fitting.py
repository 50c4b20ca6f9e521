from pathlib import Path

import yaml

from cake_operator.api import CakeDeployment
from demo.fitting import fitted
from tests.localcluster import engine_environment

EXAMPLE = yaml.safe_load((Path(__file__).parents[3] / "examples/cakedeployment.yaml").read_text())


def test_without_needs_of_the_cluster_it_is_the_example_itself() -> None:
    assert fitted(EXAMPLE, {}) == EXAMPLE


def test_what_a_cluster_needs_is_added_to_the_pods_and_takes_nothing_away() -> None:
    needs = {
        "resources": {"limits": {"nvidia.com/gpu": 1}},
        "podTemplate": {
            "spec": {"nodeSelector": {"gpu": "a100"}, **engine_environment.mounted()["podTemplate"]["spec"]}
        },
    }

    engine = fitted(EXAMPLE, needs)["spec"]["engine"]

    given = EXAMPLE["spec"]["engine"]
    assert engine["resources"]["limits"] == {**given["resources"]["limits"], "nvidia.com/gpu": 1}
    [container] = engine["podTemplate"]["spec"]["containers"]
    assert container["env"] == given["podTemplate"]["spec"]["containers"][0]["env"]
    assert container["volumeMounts"][0]["mountPath"] == "/opt/cake/env"
    assert engine["podTemplate"]["spec"]["nodeSelector"] == {"gpu": "a100"}


def test_the_example_is_valid_with_what_the_local_cluster_adds() -> None:
    CakeDeployment.model_validate(fitted(EXAMPLE, engine_environment.mounted()))
