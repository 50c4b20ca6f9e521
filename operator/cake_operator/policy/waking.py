"""Whether a fleet may sleep, and when it wakes: no pod runs only while it is known that nobody waits for one.

Without a pod nothing here is asked for anything, so somebody else has to say that requests come: a gateway, by the
series `cake_held_requests`. Where nobody says anything, one pod runs.
"""

from cake_operator.observe.snapshot import Figure
from cake_operator.policy.desire import Desire


def fewest(least: int, held: Figure, current: int, *, remembered: bool) -> int:
    """The fewest replicas that may run now.

    Args:
        least: That the user allows.
        held: Requests that came and that no pod takes.
        current: Replicas that the Deployment is asked to run.
        remembered: Whether this is known from an earlier look: 0 replicas are also what a fleet has before it is made.
    """
    if least > 0:
        return least
    if held.value is None:  # what is, is held: one that sleeps sleeps on, and nobody falls asleep
        return 0 if current == 0 and remembered else 1
    return 1 if held.value > 0 else 0


def asleep(held: Figure, awake: int) -> Desire:
    """The wish of a fleet of no pods that may sleep.

    Args:
        held: Requests that came and that no pod takes.
        awake: The fewest replicas that may run now.
    """
    age = f"{held.age_seconds or 0:.0f} s old"
    if held.value is None:
        told = f"no pod runs, and whether requests are held for one {held.why_not}"
        return Desire(awake, told, valid=awake > 0)
    if held.value > 0:
        return Desire(awake, f"no pod runs, and {held.value:g} requests are held for one ({age})")
    return Desire(awake, f"no pod runs, and no request is held for one ({age})")
