"""What is said of a stored resource that cannot be read."""

from typing import Any

import pytest
from pydantic import ValidationError

from cake_operator.api import CakeDeployment
from cake_operator.status.faults import sentence_of
from tests.unit.api.specs import FIVE_FIELDS, MEMORY, SHARED, merged

FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "of a rule": ({"kvTiers": [MEMORY | {"capacity": "x"}]}, "spec.kvTiers[0].capacity: an amount of bytes is"),
    "of a tier's knob": (
        {"balance": {"knobs": {"writeBandwidth": {"local-disk": "5GB"}}}},
        "spec.balance.knobs.writeBandwidth.local-disk: an amount of bytes is",
    ),
    "of a whole": ({"kvTiers": [SHARED]}, "spec: the first tier must be memory"),
    "a field of a newer version": (
        {"scaling": {"panicWindow": "6s"}},
        "spec.scaling.panicWindow: not a field of this version of the operator; remove it, or upgrade the operator",
    ),
    "a field left out": ({"model": {"name": None}}, "spec.model.name: must be written"),
    "of a type": ({"replicas": "3"}, "spec.replicas: Input should be a valid integer"),
}


@pytest.mark.parametrize("which", FAULTS)
def test_a_fault_is_named_with_its_place_and_what_to_write(which: str) -> None:
    spec, said = FAULTS[which]
    with pytest.raises(ValidationError) as refusal:
        CakeDeployment.model_validate(merged(FIVE_FIELDS, {"spec": spec}))
    assert f"({said}" in sentence_of(refusal.value)


def test_every_fault_is_named() -> None:
    wrong = {"spec": {"replicas": "3", "kvTiers": [MEMORY | {"capacity": "x"}]}}
    with pytest.raises(ValidationError) as refusal:
        CakeDeployment.model_validate(merged(FIVE_FIELDS, wrong))
    assert sentence_of(refusal.value).count(": ") >= 2
    assert sentence_of(refusal.value).endswith("What runs is left as it is until the spec is mended.")
