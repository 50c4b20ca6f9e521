"""How long requests wait for their engine, and whether that is longer than the load explains, beyond chance.

By Little's law a request waits for as long as the number that wait, over the rate at which they come. That number is
seen now and then, at scrapes. Of requests that wait for two seconds a scrape every 15 s sees one in seven, and takes it
for seven. So of few sightings nothing follows: n of them are n give or take its root.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from cake_operator.observe.sampling import RATE_SAMPLES
from cake_operator.policy.offered import CHANCE, Offered


@dataclass(frozen=True, slots=True)
class Waits:
    """What requests wait for, on average.

    Attributes:
        seconds: As seen.
        surely: What is left of them if chance has added as much as it does at every twentieth look.
        shorter: Whether fewer wait than at the look before, or nobody does now: what is there gets done with them.
    """

    seconds: float
    surely: float
    shorter: bool = False


def waits(looks: Sequence[Offered], window: timedelta, since: datetime | None) -> Waits | None:
    """The mean over the looks since a moment; None where there is none, or one of them does not know who waits.

    Args:
        looks: The load at the looks that still count, oldest first.
        window: Over which each look's figures were taken.
        since: From when on the fleet is as it is now; None where it always was.
    """
    counted = [look for look in looks if since is None or look.at >= since]
    waiting = [look.waiting for look in counted if look.waiting is not None]
    requests = sum(look.requests for look in counted)
    if not counted or len(waiting) < len(counted) or requests <= 0:
        return None
    mean, scrapes = sum(waiting) / len(waiting), RATE_SAMPLES * (1 + (counted[-1].at - counted[0].at) / window)
    chance, rate = CHANCE * sqrt(mean * scrapes) / scrapes, requests / len(counted)
    before = looks[-2].waiting if len(looks) > 1 else None
    shorter = looks[-1].queued == 0 or (before is not None and waiting[-1] < before)
    return Waits(mean / rate, max(0.0, mean - chance) / rate, shorter)
