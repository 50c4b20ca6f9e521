"""A tenant's Secret: made once by the operator, which cannot read it, for all CakeDeployments of the tenant."""

from base64 import b64decode

import pytest

from cake_operator.apply.kinds import SECRETS
from tests.cluster.cakes import Cake, Object
from tests.cluster.operator_process import OperatorProcess
from tests.cluster.waiting import eventually
from tests.localcluster import Cluster


@pytest.fixture
def cake(api_server: Cluster, namespace: str) -> Cake:
    return Cake(api_server, namespace)


def secret(cake: Cake, tenant: str) -> Object:
    """The Secret of a tenant, once it is there."""
    path = SECRETS.path(cake.namespace, f"cake-tenant-{tenant}")
    return dict(eventually(lambda: cake.cluster.read(path), f"tenant {tenant} has a Secret"))


def mounted(cake: Cake) -> list[str]:
    """The Secrets that the pods of a CakeDeployment mount."""
    volumes = cake.must("deployment")["spec"]["template"]["spec"]["volumes"]
    return [one["secret"]["secretName"] for one in volumes if "secret" in one]


def test_a_tenant_has_one_secret_that_outlives_its_cakedeployments(cake: Cake, operator: OperatorProcess) -> None:
    cake.apply(tenant="search")
    cake.made()
    first = secret(cake, "search")
    assert len(b64decode(first["data"]["salt"])) == 32
    assert (first["immutable"], first["metadata"].get("ownerReferences")) == (True, None)

    other = Cake(cake.cluster, cake.namespace, "other")
    other.apply(tenant="search")
    eventually(lambda: mounted(other) == ["cake-tenant-search"], "the second mounts it")
    cake.apply(tenant="legal")
    eventually(lambda: mounted(cake) == ["cake-tenant-legal"], "the first is another tenant's now")
    assert secret(cake, "legal")["data"] != first["data"]
    cake.kubectl("delete", "cake", other.name)
    operator.settle()
    assert secret(cake, "search") == first, "nobody has written it"


def test_a_secret_that_was_deleted_is_made_anew_when_pods_ask_for_it(cake: Cake, operator: OperatorProcess) -> None:
    cake.apply(tenant="search")
    cake.begun()
    before = secret(cake, "search")
    operator.settle()
    cake.kubectl("delete", "secret", "cake-tenant-search")
    cake.kubectl("rollout", "restart", "deployment", "chat")
    after = secret(cake, "search")
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["data"] != before["data"]
