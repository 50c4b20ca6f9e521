"""Whether the pods run with the knobs that were written for them."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from cake_operator.observe.snapshot import DeploymentSnapshot

NAMED = 3
"""Pods that a sentence names; the rest are counted."""


class ConfirmationState(StrEnum):
    """What the pods say of a generation."""

    CONFIRMED = "Confirmed"
    """Every ready pod reports it."""
    WAITING = "Waiting"
    """Some report another one, or nothing yet."""
    UNKNOWN = "Unknown"
    """No ready pod reports anything."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the pods say of a generation.

    Attributes:
        generation: The one that was written.
        confirmed_generation: The oldest that a ready pod runs with; None when that of some pod is not known.
        sentence: The same for the user.
    """

    state: ConfirmationState
    generation: int
    confirmed_generation: int | None
    sentence: str

    @property
    def confirmed(self) -> bool:
        """Whether every ready pod runs with it."""
        return self.state is ConfirmationState.CONFIRMED


def confirmation(snapshot: DeploymentSnapshot, ready_pods: Collection[str], generation: int) -> Confirmation:
    """Compare the generation that was written with what each ready pod reports through its metrics.

    Args:
        snapshot: What was measured.
        ready_pods: Names of the pods that are ready; others are not asked.
        generation: The one in the live ConfigMap.
    """
    reported = {pod: snapshot.generations[pod] for pod in ready_pods if pod in snapshot.generations}
    silent = sorted(set(ready_pods) - set(reported))
    # A higher one is not it either: the ConfigMap was made anew, and the pod has not read it yet.
    other = sorted(pod for pod, of_pod in reported.items() if of_pod != generation)
    if not ready_pods:
        return _unknown(generation, "No pod is ready to report it.")
    if not reported:
        return _unknown(generation, f"No ready pod ({_names(silent)}) reports a generation: are its metrics scraped?")
    oldest = None if silent else min(reported.values())
    if not silent and not other:
        number = "the ready pod runs" if len(reported) == 1 else f"all {len(reported)} ready pods run"
        sentence = f"Generation {generation}: {number} with it."
        return Confirmation(ConfirmationState.CONFIRMED, generation, oldest, sentence)
    waits = [f"{_names(other)} still with another one"] if other else []
    waits += [f"{_names(silent)} not reporting"] if silent else []
    sentence = f"Generation {generation} waits for {' and '.join(waits)}."
    return Confirmation(ConfirmationState.WAITING, generation, oldest, sentence)


def _unknown(generation: int, why: str) -> Confirmation:
    return Confirmation(ConfirmationState.UNKNOWN, generation, None, f"Generation {generation}: {why}")


def _names(pods: list[str]) -> str:
    more = len(pods) - NAMED
    return ", ".join(pods[:NAMED]) + (f" and {more} more" if more > 0 else "")
