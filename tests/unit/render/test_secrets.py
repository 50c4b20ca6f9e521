"""What is secret reaches pods by reference: the operator never sees it."""

import json
from base64 import b64decode
from typing import Any

import pytest

from cake_operator.api import CakeDeployment
from cake_operator.render.pod import pod_template
from cake_operator.render.service import service
from cake_operator.render.static_config import static_config
from cake_operator.render.tenant import SALT_BYTES, tenant_secrets
from tests.unit.api.specs import FIVE_FIELDS, merged
from tests.unit.render.golden import SETTINGS

FILES = ("--ssl-certfile", "--ssl-keyfile")
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


def test_a_certificate_is_mounted_by_name_and_what_asks_the_engine_speaks_https() -> None:
    resource = CakeDeployment.model_validate(
        merged(FIVE_FIELDS, {"spec": {"engine": {"tlsSecretRef": {"name": "chat-tls"}}}})
    )
    template = pod_template(resource, SETTINGS)
    (container,), volumes = template["spec"]["containers"], template["spec"]["volumes"]
    (volume,) = (one["secret"] for one in volumes if "secret" in one)
    (mount,) = (one for one in container["volumeMounts"] if one["name"] == "tls")
    assert (volume["secretName"], mount["readOnly"]) == ("chat-tls", True)
    files = {f"{mount['mountPath']}/{item['path']}" for item in volume["items"]}
    assert {container["args"][container["args"].index(flag) + 1] for flag in FILES} == files
    probes = ("startupProbe", "readinessProbe", "livenessProbe")
    assert {container[probe]["httpGet"]["scheme"] for probe in probes} == {"HTTPS"}
    assert template["metadata"]["annotations"]["prometheus.io/scheme"] == "https"
    assert service(resource)["spec"]["ports"][0]["appProtocol"] == "https"


def test_a_tenants_salt_is_mounted_by_name_as_the_file_that_the_engine_is_told_of() -> None:
    resource = CakeDeployment.model_validate(merged(FIVE_FIELDS, {"spec": {"tenant": "team-a"}}))
    spec = pod_template(resource, SETTINGS)["spec"]
    (volume,) = (one["secret"] for one in spec["volumes"] if "secret" in one)
    (mount,) = (one for one in spec["containers"][0]["volumeMounts"] if one["name"] == "tenant")
    assert (volume["secretName"], mount["readOnly"]) == ("cake-tenant-team-a", True)
    assert [f"{mount['mountPath']}/{item['path']}" for item in volume["items"]] == [static_config(resource).salt_file]


def test_a_tenants_secret_holds_the_salt_that_was_drawn_and_outlives_who_asked_for_it() -> None:
    resource = CakeDeployment.model_validate(merged(FIVE_FIELDS, {"spec": {"tenant": "team-a"}}))
    salt = bytes(range(SALT_BYTES))
    (secret,) = tenant_secrets(resource, salt)
    (volume,) = (one["secret"] for one in pod_template(resource, SETTINGS)["spec"]["volumes"] if "secret" in one)
    (item,) = volume["items"]
    assert {key: b64decode(value) for key, value in secret["data"].items()} == {item["key"]: salt}
    assert (secret["immutable"], secret["metadata"]["name"]) == (True, volume["secretName"])
    assert "ownerReferences" not in secret["metadata"]
    assert "cake.dev/deployment" not in secret["metadata"]["labels"], "it is no child of one CakeDeployment"


def test_a_key_of_encrypted_blocks_is_mounted_by_name_as_the_file_that_the_engine_is_told_of() -> None:
    spec_of = {"encryption": {"keySecretRef": {"name": "kv-key", "key": "of-may"}}}
    resource = CakeDeployment.model_validate(merged(FIVE_FIELDS, {"spec": spec_of}))
    spec = pod_template(resource, SETTINGS)["spec"]
    (volume,) = (one["secret"] for one in spec["volumes"] if "secret" in one)
    (mount,) = (one for one in spec["containers"][0]["volumeMounts"] if one["name"] == "encryption")
    (item,) = volume["items"]
    assert (volume["secretName"], item["key"], mount["readOnly"]) == ("kv-key", "of-may", True)
    assert f"{mount['mountPath']}/{item['path']}" == static_config(resource).encryption_key_file


def test_without_encryption_nothing_tells_of_it() -> None:
    resource = CakeDeployment.model_validate(FIVE_FIELDS)
    rendered = json.dumps(pod_template(resource, SETTINGS)) + static_config(resource).to_json()
    assert "encryption" not in rendered.lower()


def test_without_a_tenant_nothing_tells_of_one() -> None:
    resource = CakeDeployment.model_validate(FIVE_FIELDS)
    assert tenant_secrets(resource, bytes(SALT_BYTES)) == []
    rendered = json.dumps(pod_template(resource, SETTINGS)) + static_config(resource).to_json()
    assert not [word for word in ("tenant", "salt") if word in rendered.lower()]


def test_without_a_certificate_nothing_tells_of_one() -> None:
    resource = CakeDeployment.model_validate(FIVE_FIELDS)
    rendered = json.dumps([pod_template(resource, SETTINGS), service(resource)])
    assert not [word for word in ("tls", "ssl", "https", "WATCHFILES") if word in rendered.lower() + rendered]
