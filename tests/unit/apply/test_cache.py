from typing import Any

from cake_operator.apply.cache import Cache, owner_of
from cake_operator.apply.kinds import DEPLOYMENTS, PODS, SERVICES

KEY = ("team", "chat")


def obj(name: str = "chat", version: int = 1, uid: str = "u", **labels: str) -> dict[str, Any]:
    meta = {"namespace": "team", "name": name, "resourceVersion": str(version), "uid": uid}
    return {"metadata": {**meta, "labels": labels or {"cake.dev/deployment": "chat"}}}


def test_an_older_version_does_not_replace_a_newer_one() -> None:
    cache = Cache()
    assert cache.put(SERVICES, obj(version=10))
    assert not cache.put(SERVICES, obj(version=9))
    assert cache.get(SERVICES, *KEY) == obj(version=10)


def test_our_own_write_that_the_watch_has_seen_deleted_since_does_not_come_back() -> None:
    cache = Cache()
    cache.put(SERVICES, obj(version=10))
    cache.drop(SERVICES, obj(version=12))
    cache.passed(SERVICES, "12")
    assert not cache.put(SERVICES, obj(version=11))
    assert cache.get(SERVICES, *KEY) is None


def test_the_end_of_an_old_object_leaves_the_new_one_of_its_name() -> None:
    cache = Cache()
    cache.put(SERVICES, obj(version=20, uid="new"))
    assert not cache.drop(SERVICES, obj(version=15, uid="old"))
    assert cache.get(SERVICES, *KEY) is not None


def test_children_are_found_by_their_owner_and_forgotten_with_it() -> None:
    cache = Cache()
    cache.put(SERVICES, obj())
    cache.put(DEPLOYMENTS, obj())
    cache.put(PODS, obj("chat-1"))
    assert {kind for kind, _ in cache.owned(KEY)} == {SERVICES, DEPLOYMENTS, PODS}
    assert [pod["metadata"]["name"] for pod in cache.pods(KEY)] == ["chat-1"]
    cache.put(SERVICES, obj(version=2, other="x"))
    assert {kind for kind, _ in cache.owned(KEY)} == {DEPLOYMENTS, PODS}
    for kind, name in ((DEPLOYMENTS, "chat"), (PODS, "chat-1")):
        cache.drop(kind, obj(name, version=5))
    assert list(cache.owned(KEY)) == []


def test_a_list_replaces_what_is_known_and_names_only_what_changed() -> None:
    cache, named = Cache(), []
    for name in ("same", "changed", "gone"):
        cache.put(SERVICES, obj(name))
    fresh = [obj("same"), obj("changed", version=5), obj("new", version=6)]
    cache.replace(SERVICES, fresh, "7", lambda one: named.append(one["metadata"]["name"]))
    assert sorted(named) == ["changed", "gone", "new"]
    assert {name for _, name in cache.names(SERVICES)} == {"same", "changed", "new"}


def test_what_we_wrote_while_a_list_was_made_stays() -> None:
    cache = Cache()
    cache.put(SERVICES, obj("written", version=9))
    cache.replace(SERVICES, [], "7", lambda _: None)
    assert cache.names(SERVICES) == [("team", "written")]


def test_a_refreshed_object_must_still_be_there() -> None:
    cache = Cache()
    cache.refresh(SERVICES, obj(version=3))
    assert cache.get(SERVICES, *KEY) is None
    cache.put(SERVICES, obj(version=1))
    cache.refresh(SERVICES, obj(version=3, uid="another"))
    assert cache.get(SERVICES, *KEY) == obj(version=1)
    cache.refresh(SERVICES, obj(version=3))
    assert cache.get(SERVICES, *KEY) == obj(version=3)


def test_an_object_without_our_label_belongs_to_nobody() -> None:
    assert owner_of(obj(other="x")) is None
    assert owner_of({"metadata": {"namespace": "team", "name": "x"}}) is None
