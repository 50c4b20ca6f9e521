from typing import Any

import pytest

from cake_operator.api import CakeDeployment
from demo.served import Seen
from demo.tuning import retunings


def seen(spec: int, live: int | None, confirmed: int | None, retain: float = 0.0, reason: str = "") -> Seen:
    """The resource after the operator acted on generation ``spec`` of its spec."""
    balance: dict[str, Any] = {"generation": live, "confirmedGeneration": confirmed, "retainFrom": retain}
    source = {"persistentVolumeClaim": {"claimName": "models"}}
    return Seen(
        float(spec),
        CakeDeployment.model_validate(
            {
                "metadata": {"name": "chat", "generation": spec},
                "spec": {"model": {"name": "m", "source": source}},
                "status": {"observedGeneration": spec, "balance": {**balance, "reason": reason}},
            }
        ),
    )


@pytest.mark.parametrize(
    ("what", "history"),
    [
        ("nothing changed", [seen(1, 1, 1), seen(1, 1, 1)]),
        ("the user changed the spec", [seen(1, 1, 1), seen(2, 2, 2)]),
        ("the pods have not confirmed it", [seen(1, 1, 1), seen(1, 2, 1)]),
        ("the pods were only late to confirm the user's", [seen(1, 1, 1), seen(2, 2, 1), seen(2, 2, 2)]),
        ("nothing was confirmed before", [seen(1, 1, None), seen(1, 1, 1)]),
    ],
)
def test_no_retuning_is_seen_where(what: str, history: list[Seen]) -> None:
    assert list(retunings(history)) == [], what


def test_a_generation_that_no_spec_explains_is_a_retuning_with_the_reason_that_made_it() -> None:
    history = [
        seen(3, 4, 4, 0.0, "20 points"),
        seen(3, 5, 4, 0.05, "p10 is 0.30: retention from 0.00 to 0.05"),
        seen(3, 5, 5, 0.05, "generation 5 is judged in 60 s"),
        seen(3, 5, 5, 0.05, "generation 5 is judged in 30 s"),
    ]
    [one] = retunings(history)
    assert (one.generation, one.retain_from) == (5, (0.0, 0.05))
    assert one.reason == "p10 is 0.30: retention from 0.00 to 0.05"
