import json
from typing import Any

import pytest
import yaml

from cake_engine.config import LiveConfig, Mode, StaticConfig, parse
from cake_operator.policy.knobs import starting_knobs
from cake_operator.render.children import render
from cake_operator.render.tuning_config import first_token_deadline, live_config, next_live
from tests.unit.render.golden import CASES, SETTINGS, case, path, rendered

LIVE = LiveConfig()


def children(name: str, replicas: int | None = 1) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["kind"], one["metadata"]["name"]): one for one in render(case(name), replicas, LIVE, SETTINGS)}


def pod(name: str) -> dict[str, Any]:
    return children(name)["Deployment", case(name).metadata.name]["spec"]["template"]


def engine(name: str) -> dict[str, Any]:
    return next(one for one in pod(name)["spec"]["containers"] if one["name"] == "engine")


def with_engine(name: str, **fields: Any) -> dict[str, Any]:
    """The Deployment of a case with other fields of spec.engine."""
    cake = case(name)
    engine = cake.spec.engine.model_copy(update=fields)
    cake = cake.model_copy(update={"spec": cake.spec.model_copy(update={"engine": engine})})
    return next(one for one in render(cake, 1, LIVE, SETTINGS) if one["kind"] == "Deployment")


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_rendered_into_its_golden_file(name: str) -> None:
    assert rendered(name) == path(name).read_text(), "review with: python -m tests.unit.render.golden && git diff"


@pytest.mark.parametrize("name", CASES)
def test_rendered_objects_are_plain_json(name: str) -> None:
    objects = list(children(name).values())
    assert json.loads(json.dumps(objects)) == objects
    assert list(yaml.safe_load_all(path(name).read_text()))


@pytest.mark.parametrize("name", CASES)
def test_the_engine_can_read_what_it_is_started_with(name: str) -> None:
    text = children(name)["ConfigMap", f"{case(name).metadata.name}-engine"]["data"]["engine.json"]
    static = parse(StaticConfig, text, "engine.json")
    folders = {one["mountPath"] for one in engine(name)["volumeMounts"]}
    assert {tier.path for tier in static.file_systems} <= folders
    assert str(static.live_config).rsplit("/", 1)[0] in folders


@pytest.mark.parametrize("name", CASES)
def test_every_mount_has_its_volume(name: str) -> None:
    volumes = {one["name"] for one in pod(name)["spec"]["volumes"]}
    assert {one["name"] for one in engine(name)["volumeMounts"]} <= volumes


@pytest.mark.parametrize("name", CASES)
def test_the_pod_outlives_its_drain(name: str) -> None:
    drain = case(name).spec.engine.drain
    grace = pod(name)["spec"]["terminationGracePeriodSeconds"]
    assert grace > drain.pre_stop.seconds + drain.shutdown_timeout.seconds


@pytest.mark.parametrize("name", CASES)
def test_the_knobs_are_no_part_of_the_pod_template(name: str) -> None:
    cake = case(name)
    other = LiveConfig(generation=9, mode=Mode.LOAD_ONLY, retain_from=0.7)
    mine, theirs = (
        next(one for one in render(cake, 1, live, SETTINGS) if one["kind"] == "Deployment") for live in (LIVE, other)
    )
    assert mine == theirs


def test_replicas_left_to_somebody_else_are_not_named() -> None:
    assert "replicas" not in children("five_fields", replicas=None)["Deployment", "chat"]["spec"]
    assert children("five_fields", replicas=0)["Deployment", "chat"]["spec"]["replicas"] == 0


def test_a_users_template_cannot_take_the_pods_from_their_deployment() -> None:
    labels = children("pod_template")["Deployment", "chat"]["metadata"]["labels"]
    assert pod("pod_template")["metadata"]["labels"] == {**labels, "team": "search"}


@pytest.mark.parametrize("metadata", [None, {"labels": None}, {"$patch": "replace"}])
def test_a_users_template_cannot_remove_our_labels(metadata: Any) -> None:
    template = with_engine("five_fields", pod_template={"metadata": metadata})["spec"]["template"]
    assert template["metadata"]["labels"] == children("five_fields")["Deployment", "chat"]["metadata"]["labels"]


@pytest.mark.parametrize(
    ("resources", "request_bytes"),
    [({}, 5 * 2**30), ({"requests": {"memory": "2Gi"}}, None), ({"limits": {"memory": "2Gi"}}, None)],
)
def test_memory_is_asked_for_where_the_user_does_not(resources: dict[str, Any], request_bytes: int | None) -> None:
    deployment = with_engine("five_fields", resources=resources)
    rendered_resources = deployment["spec"]["template"]["spec"]["containers"][0]["resources"]
    if request_bytes is None:
        assert rendered_resources == resources
    else:
        assert rendered_resources == {"requests": {"memory": str(request_bytes)}}


GENERATIONS = {
    "the first": (None, 0, 1),
    "nothing changed": (LiveConfig(generation=4), 4, 4),
    "nothing changed, and status is behind": (LiveConfig(generation=4), 2, 4),
    "another knob": (LiveConfig(generation=4, retain_from=0.3), 4, 5),
    "another mode": (LiveConfig(generation=4, mode=Mode.LOAD_ONLY), 4, 5),
    "lost, but status remembers": (None, 7, 8),
    "set back by hand": (LiveConfig(generation=1), 7, 8),
}


@pytest.mark.parametrize("which", GENERATIONS)
def test_a_generation_is_never_used_for_two_settings(which: str) -> None:
    current, reached, expected = GENERATIONS[which]
    balance = case("five_fields").spec.balance
    assert next_live(balance, starting_knobs(balance), current, reached).generation == expected


def test_the_live_configuration_has_the_users_mode() -> None:
    balance = case("pod_template").spec.balance
    live = live_config(balance, starting_knobs(balance), 3)
    assert (live.mode, live.static_meeting_point, live.generation) == (Mode.STATIC, 0.4, 3)


DEADLINES = {
    "two codecs": ({"ttft": {"target": "2s"}}, ["Raw", "Zstd"], 2.0),
    "one codec": ({"ttft": {"target": "2s"}}, ["Zstd", "Zstd"], None),
    "no target for the first token": ({"interTokenLatency": {"target": "50ms"}}, ["Raw", "Zstd"], None),
    "no objective": (None, ["Raw", "Zstd"], None),
}


@pytest.mark.parametrize("which", DEADLINES)
def test_engines_are_told_when_a_first_token_is_due_where_they_can_choose_what_to_load(which: str) -> None:
    slo, codecs, expected = DEADLINES[which]
    memory = {"name": "memory", "memory": {}, "capacity": "1Gi"}
    files = [{"name": f"t{n}", "emptyDir": {}, "capacity": "1Gi", "codec": codec} for n, codec in enumerate(codecs)]
    spec = case("five_fields").spec
    document = spec.model_dump(by_alias=True, mode="json", exclude_unset=True)
    changed = type(spec).model_validate({**document, "kvTiers": [memory, *files], "slo": slo})

    assert first_token_deadline(changed) == expected
    live = next_live(spec.balance, starting_knobs(spec.balance), LiveConfig(generation=4), 4, expected)
    assert (live.first_token_seconds, live.generation) == (expected, 4 if expected is None else 5)
    assert ("firstTokenSeconds" in live.to_json()) is (expected is not None)
