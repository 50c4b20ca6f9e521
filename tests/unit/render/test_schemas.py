"""The oldest Kubernetes that the chart allows knows every field that the operator writes."""

import copy

import kubernetes_validate
import pytest
import yaml

from tests.unit.render.golden import CASES, path
from tests.unit.render.schemas import known

CHILDREN = {
    f"{case}: {one['kind']} {one['metadata']['name']}": one
    for case in CASES
    for one in yaml.safe_load_all(path(case).read_text())
}


@pytest.mark.parametrize("child", CHILDREN)
def test_a_child_has_no_field_that_the_oldest_kubernetes_does_not_know(child: str) -> None:
    assert known(CHILDREN[child])


def test_a_field_of_a_later_kubernetes_is_found() -> None:
    deployment = copy.deepcopy(next(one for one in CHILDREN.values() if one["kind"] == "Deployment"))
    deployment["spec"]["template"]["spec"]["hostnameOverride"] = "chat"  # of 1.34
    with pytest.raises(kubernetes_validate.ValidationError, match="hostnameOverride"):
        known(deployment)
