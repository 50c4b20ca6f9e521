from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_operator.api.amounts import same_amount
from cake_operator.apply.containment import differences

CONTAINED: dict[str, tuple[Any, Any]] = {
    "defaults": ({"spec": {"replicas": 1}}, {"spec": {"replicas": 1, "paused": False}, "status": {}}),
    "foreign annotations": ({"annotations": {"a": "1"}}, {"annotations": {"a": "1", "team": "search"}}),
    "an injected sidecar": (
        {"containers": [{"name": "engine", "image": "x"}]},
        {"containers": [{"name": "proxy"}, {"name": "engine", "image": "x", "stdin": False}]},
    ),
    "an amount in the API's own form": ({"requests": {"cpu": "1000m"}}, {"requests": {"cpu": "1"}}),
    "an amount as a number": ({"limits": {"cpu": 2}}, {"limits": {"cpu": "2"}}),
    "a size": ({"emptyDir": {"sizeLimit": "1073741824"}}, {"emptyDir": {"sizeLimit": "1Gi"}}),
    "an empty list that the API leaves out": ({"args": []}, {}),
    "an empty object that the API leaves out": ({"nodeSelector": {}}, {}),
    "an empty text that the API leaves out": ({"value": ""}, {}),
    "a whole number written as a fraction": ({"weight": 1.0}, {"weight": 1}),
}


@pytest.mark.parametrize("which", CONTAINED)
def test_what_the_cluster_has_beyond_the_desired_is_no_difference(which: str) -> None:
    desired, live = CONTAINED[which]
    assert not list(differences(desired, live))


DIFFERENT: dict[str, tuple[Any, Any]] = {
    "spec.replicas is 2, not 3": ({"spec": {"replicas": 3}}, {"spec": {"replicas": 2}}),
    "spec.paused is missing, not True": ({"spec": {"paused": True}}, {"spec": {}}),
    "containers[engine].image is 'y', not 'x'": (
        {"containers": [{"name": "engine", "image": "x"}]},
        {"containers": [{"name": "engine", "image": "y"}]},
    ),
    "containers[engine] is missing": ({"containers": [{"name": "engine"}]}, {"containers": [{"name": "proxy"}]}),
    "args has 2 elements, not 1": ({"args": ["a"]}, {"args": ["a", "b"]}),
    "args[1] is 'c', not 'b'": ({"args": ["a", "b"]}, {"args": ["a", "c"]}),
    "limits.cpu is '2', not '1'": ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}),
    "resources.requests.storage is '1Gi', not '5Gi'": (
        {"resources": {"requests": {"storage": "5Gi"}}},
        {"resources": {"requests": {"storage": "1Gi"}}},
    ),
    "value is '2', not '1000m'": ({"value": "1000m"}, {"value": "2"}),
    "volumes[tmp].emptyDir is missing": (
        {"volumes": [{"name": "tmp", "emptyDir": {}}]},
        {"volumes": [{"name": "tmp", "hostPath": {"path": "/"}}]},
    ),
    "ownerReferences[u] is missing": ({"ownerReferences": [{"uid": "u"}]}, {}),
    "data is 'text', not {'a': 'b'}": ({"data": {"a": "b"}}, {"data": "text"}),
}


@pytest.mark.parametrize("sentence", DIFFERENT)
def test_a_difference_is_named_with_its_place(sentence: str) -> None:
    desired, live = DIFFERENT[sentence]
    assert [one.sentence for one in differences(desired, live)] == [sentence]


def test_every_difference_is_named_one_behind_another() -> None:
    desired = {"a": 1, "args": ["x", "y"], "containers": [{"name": "n"}, {"name": "m", "image": "i"}]}
    live = {"a": 2, "args": ["z"], "containers": [{"name": "m", "image": "j"}]}
    assert [one.sentence for one in differences(desired, live)] == [
        "a is 2, not 1",
        "args has 1 elements, not 2",
        "containers[n] is missing",
        "containers[m].image is 'j', not 'i'",
    ]


AMOUNTS = [("1", "1000m"), ("1Gi", "1024Mi"), ("1G", "1000M"), ("1e3", "1k"), ("0.5", "500m"), ("1.5Gi", "1536Mi")]


@pytest.mark.parametrize(("one", "other"), AMOUNTS)
def test_an_amount_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert same_amount(one, other)
    assert not same_amount(one, f"1{other}")


@pytest.mark.parametrize("text", ["", "lots", "1Zi", "Gi", "1 Gi"])
def test_what_is_no_amount_is_like_no_other(text: str) -> None:
    assert not same_amount(text, text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
objects = st.dictionaries(st.text(max_size=3), json_values, max_size=4)


@given(objects)
def test_an_object_contains_itself(obj: dict[str, Any]) -> None:
    assert not list(differences(obj, obj))


@given(desired=objects, more=objects)
def test_more_fields_make_no_difference(desired: dict[str, Any], more: dict[str, Any]) -> None:
    assert not list(differences(desired, {**more, **desired}))


@given(desired=objects, key=st.text(max_size=3), value=st.integers() | st.booleans())
def test_a_changed_field_is_a_difference(desired: dict[str, Any], key: str, value: Any) -> None:
    live = {**desired, key: [value, "other"]}
    assert list(differences({**desired, key: value}, live))
