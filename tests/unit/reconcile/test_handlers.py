"""What is kept of what kopf tells, and what kopf is spared."""

from typing import Any

import kopf

from cake_operator.apply.cache import Cache, Key
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS
from cake_operator.apply.statuses import write_status
from cake_operator.handlers import make_registry, make_settings
from cake_operator.resync import relist
from cake_operator.workqueue import WorkQueue
from tests.unit.apply.api_server import Script, client_of, ok


def stored(version: int) -> dict[str, Any]:
    """A CakeDeployment as the API server tells of it."""
    meta = {"namespace": "team", "name": "chat", "uid": "1", "resourceVersion": str(version)}
    return {"metadata": {**meta, "managedFields": [{"manager": "kubectl"}]}, "spec": {}, "status": {}}


async def tell(handler: Any, kind: str, obj: dict[str, Any]) -> None:
    """As kopf does."""
    event = {"type": kind, "object": obj}
    if handler.when(event=event):
        await handler.fn(event=event)


async def test_who_owns_which_field_of_a_cakedeployment_is_not_kept_however_it_is_heard_of() -> None:
    cache, heard = Cache(), list[Key]()
    registry = make_registry(cache, heard.append, lambda: None)
    (handler,) = registry._watching.get_all_handlers()

    def kept() -> tuple[str, bool]:
        found = cache.get(CAKE_DEPLOYMENTS, "team", "chat")
        assert found is not None
        return found["metadata"]["resourceVersion"], "managedFields" in found["metadata"]

    await tell(handler, "ADDED", stored(1))
    assert (heard, kept()) == ([("team", "chat")], ("1", False))
    async with client_of(Script(ok(stored(4)))) as client:
        await write_status(client, cache, stored(1), {"replicas": 1})
    assert kept() == ("4", False)
    async with client_of(Script(ok({"metadata": {"resourceVersion": "5"}, "items": [stored(5)]}))) as client:
        await relist(client, cache, None, WorkQueue[Key]())
    assert kept() == ("5", False)


async def test_what_a_watch_tells_of_our_own_writes_is_no_news() -> None:
    cache, heard = Cache(), list[Key]()
    (handler,) = make_registry(cache, heard.append, lambda: None)._watching.get_all_handlers()
    await tell(handler, "ADDED", stored(1))
    async with client_of(Script(ok(stored(3)))) as client:
        await write_status(client, cache, stored(1), {"replicas": 1})
    heard.clear()

    await tell(handler, "MODIFIED", stored(3))
    assert heard == []
    await tell(handler, "MODIFIED", stored(2))
    await tell(handler, "DELETED", stored(3))
    assert len(heard) == 2, "what somebody wrote before us is, and that it is gone"


def test_kopf_neither_copies_objects_nor_compares_them_with_what_they_were() -> None:
    storage = make_settings().persistence.diffbase_storage
    annotations = {"kopf.zalando.org/last-handled-configuration": '{"spec": {}}'}
    body = kopf.Body({"metadata": {"name": "chat", "annotations": annotations}, "spec": {"replicas": 1}})

    assert storage.fetch(body=body) is None
    assert storage.build(body=body, extra_fields=[("spec",)]) == {}
