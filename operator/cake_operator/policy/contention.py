"""Whether somebody else sets the number of replicas, too: it is said, and after a few rounds it is not fought.

One edit by hand is undone, as any drift is. A controller writes again and again: an autoscaler of the child Deployment
beside `spec.replicas` or an slo, or two managers of `spec.replicas` itself.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=10)
"""Within which foreign numbers count."""
ROUNDS = 3
"""Foreign numbers within the window from which it is no accident."""
TRUCE = timedelta(hours=1)
"""For how long after the last foreign number the Deployment is left to whoever set it."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A number of replicas that another manager gave the Deployment.

    Attributes:
        at: When it was seen.
        manager: The field manager.
        generation: That of the Deployment's spec: one write is counted once.
    """

    at: datetime
    manager: str
    generation: int


@dataclass(frozen=True, slots=True)
class ContentionHistory:
    """Memory of who set the number of replicas. It may be lost: then it takes some rounds to notice again.

    Attributes:
        asked: The number that was decided last; None before the first, and while it is left to others.
        foreign: Numbers of others, oldest first.
        wishes: When `spec.replicas` became which number, oldest first.
    """

    asked: int | None = None
    foreign: tuple[Foreign, ...] = ()
    wishes: tuple[tuple[datetime, int | None], ...] = ()

    def forgets(self, now: datetime) -> datetime | None:
        """When time alone next makes less of this memory, as at the end of a truce; None while it cannot."""
        ends = [one.at + length for one in self.foreign for length in (WINDOW, TRUCE)]
        ends += [at + WINDOW for at, _ in self.wishes[:-1]]
        return min((end for end in ends if end > now), default=None)


@dataclass(frozen=True, slots=True)
class Contention:
    """What is to be said of it.

    Attributes:
        sentence: Who contends, and what to do; empty when nobody does.
        left_to: The manager to whom the Deployment's number is left for now; None when it is ours.
    """

    sentence: str = ""
    left_to: str | None = None


def contend(
    history: ContentionHistory,
    *,
    owner: str | None,
    generation: int,
    seen: int,
    fixed: int | None,
    scaled: bool,
    now: datetime,
) -> tuple[Contention, ContentionHistory]:
    """Look who has set the number of replicas.

    Args:
        history: What the last call returned; `ContentionHistory()` at first.
        owner: The manager other than us that owns the Deployment's `spec.replicas`; None when it is ours.
        generation: That of the Deployment's spec.
        seen: The Deployment's `spec.replicas`.
        fixed: `spec.replicas` of the CakeDeployment.
        scaled: Whether the operator scales by an slo.
        now: When this is.

    Returns:
        What is to be said, and the memory for the next call, to which the caller adds what it asked for.
    """
    if fixed is None and not scaled:
        return Contention(left_to=owner), ContentionHistory()
    if owner is not None:
        history = _noted(history, owner, generation, seen, now)
    kept = tuple(one for one in history.foreign if now - one.at < TRUCE)
    history = _wished(replace(history, foreign=kept), fixed, now)
    recent = sum(now - one.at < WINDOW for one in kept)
    if kept and (recent >= ROUNDS or history.asked is None):
        sentence = (
            f"{kept[-1].manager} keeps setting spec.replicas of the Deployment ({seen} now): it is left to it until it"
            f" rests for {TRUCE // timedelta(minutes=1)} minutes. Let one decide: remove what scales the Deployment, or"
            " have it scale the CakeDeployment, or remove slo and replicas here"
        )
        return Contention(sentence, kept[-1].manager), history
    return Contention(_undecided(history)), history


def _noted(history: ContentionHistory, owner: str, generation: int, seen: int, now: datetime) -> ContentionHistory:
    """The memory with the number of another manager, where it is new and not what we asked for."""
    # While the Deployment is left to another, every number is its own.
    contradicts = bool(history.foreign) if history.asked is None else seen != history.asked
    if not contradicts or any(one.generation == generation for one in history.foreign):
        return history
    return replace(history, foreign=(*history.foreign, Foreign(now, owner, generation)))


def _wished(history: ContentionHistory, fixed: int | None, now: datetime) -> ContentionHistory:
    if not history.wishes or history.wishes[-1][1] != fixed:
        history = replace(history, wishes=(*history.wishes, (now, fixed)))
    *older, newest = history.wishes
    return replace(history, wishes=(*(wish for wish in older if now - wish[0] < WINDOW), newest))


def _undecided(history: ContentionHistory) -> str:
    """The sentence about a `spec.replicas` that goes to and fro between two numbers."""
    numbers = [number for _, number in history.wishes]
    returns = sum(number == before for number, before in zip(numbers[2:], numbers, strict=False))
    if returns < ROUNDS:
        return ""
    shown = " and ".join("unset" if number is None else str(number) for number in numbers[-2:])
    return (
        f"spec.replicas goes to and fro between {shown}: two managers write it. See `kubectl get cake NAME -o yaml"
        " --show-managed-fields`, and leave the field to one of them"
    )
