from pathlib import Path

import pytest

from tests.localcluster import Images, LocalClusterError
from tests.localcluster.variables import REQUIRED, Provisions

COMPLETE = {
    "CAKE_OPERATOR_IMAGE": "registry.example.com/operator:1",
    "CAKE_ENGINE_IMAGE": "registry.example.com/engine:1",
    "CAKE_PROMETHEUS_IMAGE": "registry.example.com/prometheus:3",
    "CAKE_STORAGE_CLASS": "nfs",
}


def test_variables_name_the_images_and_the_storage() -> None:
    images = Images(*(f"registry.example.com/{name}" for name in ("operator:1", "engine:1", "prometheus:3")))

    assert Provisions.read(COMPLETE) == Provisions(images, "nfs", {})


@pytest.mark.parametrize("missing", REQUIRED)
@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_missing_or_empty_is_named_with_what_it_means(missing: str, value: str | None) -> None:
    environment = {name: text for name, text in COMPLETE.items() if name != missing}
    if value is not None:
        environment[missing] = value

    with pytest.raises(LocalClusterError, match=f"set {missing}: {REQUIRED[missing][:10]}") as refused:
        Provisions.read(environment)
    assert "docs/how-to/your-cluster.md" in str(refused.value)


def test_all_that_is_missing_is_said_at_once() -> None:
    with pytest.raises(LocalClusterError) as refused:
        Provisions.read({})
    assert all(name in str(refused.value) for name in REQUIRED)


def test_the_engines_needs_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "engine.yaml"
    file.write_text("resources: {limits: {nvidia.com/gpu: 1}}\n")

    provisions = Provisions.read({**COMPLETE, "CAKE_ENGINE_SPEC": str(file)})

    assert provisions.engine == {"resources": {"limits": {"nvidia.com/gpu": 1}}}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "no YAML file that can be read"),
        ("a: [", "no YAML file that can be read"),
        ("- a\n", r"must hold fields of spec\.engine"),
        ("", r"must hold fields of spec\.engine"),
        ("podTemplate: {spec: {containers: [{image: a}]}}", r"containers\[0\]: give each element of containers its"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str | None, complaint: str) -> None:
    file = tmp_path / "engine.yaml"
    if text is not None:
        file.write_text(text)

    with pytest.raises(LocalClusterError, match=complaint):
        Provisions.read({**COMPLETE, "CAKE_ENGINE_SPEC": str(file)})
