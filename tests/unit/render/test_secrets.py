"""What is secret reaches pods by reference: the operator never sees it."""

from typing import Any

import pytest

from cake_operator.api import CakeDeployment
from cake_operator.render.pod import pod_template
from tests.unit.api.specs import FIVE_FIELDS, merged
from tests.unit.render.golden import SETTINGS

HUB = {
    "source": {
        "persistentVolumeClaim": None,
        "huggingFace": {"repo": "acme/tiny", "tokenSecretRef": {"name": "hub", "key": "read"}},
    }
}
SECRETS: dict[str, tuple[dict[str, Any], dict[str, tuple[str, str]]]] = {
    "nothing secret": ({}, {}),
    "the key of clients": (
        {"engine": {"apiKeySecretRef": {"name": "clients"}}},
        {"VLLM_API_KEY": ("clients", "token")},
    ),
    "the hub's token": ({"model": HUB}, {"HF_TOKEN": ("hub", "read")}),
}


@pytest.mark.parametrize("which", SECRETS)
def test_a_secret_is_named_and_never_written(which: str) -> None:
    spec, expected = SECRETS[which]
    resource = CakeDeployment.model_validate(merged(FIVE_FIELDS, {"spec": spec}))
    environment = pod_template(resource, SETTINGS)["spec"]["containers"][0]["env"]
    references = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in environment if "valueFrom" in one}
    assert {name: (found["name"], found["key"]) for name, found in references.items()} == expected
