from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cake_operator.render.merging import MergeError, strategic_merge

BASE: dict[str, Any] = {
    "metadata": {"labels": {"a": "1"}},
    "spec": {
        "containers": [{"name": "engine", "image": "x", "env": [{"name": "A", "value": "1"}], "args": ["serve"]}],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        "securityContext": {"runAsUser": 1, "runAsNonRoot": True},
    },
}

CASES: dict[str, tuple[dict[str, Any], tuple[str, ...], Any]] = {
    "a field is added": ({"spec": {"nodeSelector": {"gpu": "a"}}}, ("spec", "nodeSelector"), {"gpu": "a"}),
    "a label joins ours": ({"metadata": {"labels": {"b": "2"}}}, ("metadata", "labels"), {"a": "1", "b": "2"}),
    "an object is merged": (
        {"spec": {"securityContext": {"runAsUser": 2}}},
        ("spec", "securityContext"),
        {"runAsUser": 2, "runAsNonRoot": True},
    ),
    "null removes a field": (
        {"spec": {"securityContext": {"runAsUser": None}}},
        ("spec", "securityContext"),
        {"runAsNonRoot": True},
    ),
    "null for what is not there is nothing": ({"spec": {"hostname": None}}, ("spec",), BASE["spec"]),
    "an object is replaced when asked": (
        {"spec": {"securityContext": {"$patch": "replace", "fsGroup": 3}}},
        ("spec", "securityContext"),
        {"fsGroup": 3},
    ),
    "a list without a key is replaced": (
        {"spec": {"containers": [{"name": "engine", "args": ["other"]}]}},
        ("spec", "containers"),
        [{"name": "engine", "image": "x", "env": [{"name": "A", "value": "1"}], "args": ["other"]}],
    ),
    "an element is merged by its name, and keeps its place": (
        {"spec": {"containers": [{"name": "proxy"}, {"name": "engine", "image": "y"}]}},
        ("spec", "containers"),
        [
            {"name": "engine", "image": "y", "env": [{"name": "A", "value": "1"}], "args": ["serve"]},
            {"name": "proxy"},
        ],
    ),
    "an element is deleted when asked": (
        {"spec": {"volumes": [{"name": "tmp", "$patch": "delete"}]}},
        ("spec", "volumes"),
        [],
    ),
    "another source replaces a volume's": (
        {"spec": {"volumes": [{"name": "tmp", "hostPath": {"path": "/x"}}]}},
        ("spec", "volumes"),
        [{"name": "tmp", "hostPath": {"path": "/x"}}],
    ),
    "the same source is merged": (
        {"spec": {"volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}]}},
        ("spec", "volumes"),
        [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}],
    ),
    "a secret replaces a plain value": (
        {"spec": {"containers": [{"name": "engine", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {}}}]}]}},
        ("spec", "containers"),
        [
            {
                "name": "engine",
                "image": "x",
                "env": [{"name": "A", "valueFrom": {"secretKeyRef": {}}}],
                "args": ["serve"],
            }
        ],
    ),
}


@pytest.mark.parametrize("which", CASES)
def test_a_template_is_merged_as_kubectl_patch_would(which: str) -> None:
    patch, place, expected = CASES[which]
    found = strategic_merge(BASE, patch)
    for key in place:
        found = found[key]
    assert found == expected


FAULTS = {
    "podTemplate.spec.containers[0]: give each element of containers its `name`": {"containers": [{"image": "x"}]},
    "podTemplate.spec.volumes[1]: give each": {"volumes": [{"name": "a"}, "b"]},
    "podTemplate.spec.securityContext.$patch: write merge or replace": {"securityContext": {"$patch": "remove"}},
    "podTemplate.spec.containers: write a list here": {"containers": {"name": "engine"}},
    "podTemplate.spec.securityContext: write an object here": {"securityContext": "none"},
}


@pytest.mark.parametrize("sentence", FAULTS)
def test_a_template_that_cannot_be_merged_is_refused_with_its_place(sentence: str) -> None:
    with pytest.raises(MergeError) as refused:
        strategic_merge(BASE, {"spec": FAULTS[sentence]})
    assert str(refused.value).startswith(sentence)


names = st.sampled_from(["a", "b", "c"])
elements = st.lists(st.fixed_dictionaries({"name": names, "image": names}), unique_by=lambda one: one["name"])


@given(base=elements, patch=elements)
def test_a_patch_wins_and_what_it_does_not_name_stays(base: list[dict[str, Any]], patch: list[dict[str, Any]]) -> None:
    merged = strategic_merge({"containers": base}, {"containers": patch})["containers"]
    expected = {one["name"]: one["image"] for one in base} | {one["name"]: one["image"] for one in patch}
    assert {one["name"]: one["image"] for one in merged} == expected
    assert [one["name"] for one in merged][: len(base)] == [one["name"] for one in base]


@given(base=elements, patch=elements)
def test_merging_twice_is_merging_once_and_changes_neither_side(base: list[Any], patch: list[Any]) -> None:
    before = repr((base, patch))
    once = strategic_merge({"containers": base}, {"containers": patch})
    assert strategic_merge(once, {"containers": patch}) == once
    assert repr((base, patch)) == before
