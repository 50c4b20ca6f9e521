from typing import Any

import pytest
from pydantic import ValidationError

from cake_operator.api.reading import Readings
from tests.unit.api.specs import FIVE_FIELDS, merged


def stored(uid: str = "u", generation: int = 1, **more: Any) -> dict[str, Any]:
    metadata = {"namespace": "team", "uid": uid, "generation": generation}
    return merged(FIVE_FIELDS, {"metadata": metadata} | more)


def test_one_generation_is_read_once_whatever_becomes_of_its_status():
    readings = Readings()
    first = readings.read(stored())
    assert readings.read(stored(status={"replicas": 3})) is first


@pytest.mark.parametrize("other", [stored(generation=2), stored(uid="v")], ids=["edited", "made anew"])
def test_another_spec_is_read_anew(other: dict[str, Any]):
    readings = Readings()
    readings.read(stored())
    assert readings.read(merged(other, {"spec": {"replicas": 5}})).spec.replicas == 5


def test_two_of_one_name_in_two_namespaces_are_two():
    readings = Readings()
    readings.read(stored())
    elsewhere = merged(stored(), {"metadata": {"namespace": "other"}, "spec": {"replicas": 5}})
    assert readings.read(elsewhere).spec.replicas == 5
    assert readings.read(stored()).spec.replicas is None


def test_a_spec_that_cannot_be_read_is_refused_at_every_look():
    readings = Readings()
    readings.read(stored())
    for _ in range(2):
        with pytest.raises(ValidationError):
            readings.read(merged(stored(generation=2), {"spec": {"replicas": -1}}))


def test_what_was_forgotten_is_read_anew():
    readings = Readings()
    first = readings.read(stored())
    readings.forget("team", "chat")
    assert readings.read(stored()) is not first
