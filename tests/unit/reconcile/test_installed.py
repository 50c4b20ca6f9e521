"""What `helm test` says of an installation, on a server that answers as an API server does."""

from typing import Any

import pytest

from cake_operator import installed
from cake_operator.installed import NotWorkingError, acting, served
from tests.unit.apply.api_server import Script, client_of, ok, refusal

GROUPS = ok({"groups": [{"name": "cake.dev"}]})
KINDS = ok({"resources": [{"name": "cakedeployments"}]})
NONE = ok({"items": [], "metadata": {"resourceVersion": "1"}})


def lease(holder: str, moment: str) -> dict[str, Any]:
    return {"metadata": {}, "spec": {"holderIdentity": holder, "renewTime": moment}}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "POLL_SECONDS", 0.01)


async def test_a_crd_that_is_not_there_is_what_is_missing() -> None:
    async with client_of(Script(ok({"groups": []}))) as client:
        with pytest.raises(NotWorkingError, match="does not know CakeDeployments: install the chart"):
            await served(client, None)


async def test_a_right_that_is_not_there_is_named_with_its_namespace() -> None:
    forbidden = refusal(403, "Forbidden", "cakedeployments.cake.dev is forbidden")
    async with client_of(Script(GROUPS, KINDS, forbidden)) as client:
        with pytest.raises(NotWorkingError, match=r"of the namespace team-a cannot be read: .* is forbidden"):
            await served(client, "team-a")


async def test_an_installation_without_cakedeployments_works() -> None:
    async with client_of(Script(GROUPS, KINDS, NONE)) as client:
        assert await served(client, None) == "CakeDeployments are served, and all namespaces may be read: there are 0"


@pytest.mark.parametrize("first", [refusal(404), ok(lease("", "1")), ok(lease("gone", "1")), ok(lease("pod-b", "1"))])
async def test_a_replica_acts_once_its_lease_was_seen_to_be_renewed(first: Any) -> None:
    async with client_of(Script(first, first, ok(lease("pod-b", "2")))) as client:
        assert "pod-b acts" in await acting(client, "cake-system", "cake-operator", wait_seconds=60)


@pytest.mark.parametrize("always", [refusal(404), ok(lease("pod-b", "1"))])
async def test_a_lease_that_nobody_renews_is_no_operator(always: Any) -> None:
    async with client_of(Script(always)) as client:
        with pytest.raises(NotWorkingError, match="kubectl logs -n cake-system deployment/cake-operator"):
            await acting(client, "cake-system", "cake-operator", wait_seconds=0.1)
