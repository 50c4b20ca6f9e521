"""How much compute is asked for: seconds each second, so that 1 is all that one replica has to give.

What comes is priced as it arrives, whole prompts at a time, by their position; what stored prefixes spare is taken off
as it is spared, and what decoding costs is added as it is spent. So the sum rises with the load at once, also where the
replicas are too few to get it done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from cake_operator.observe.snapshot import DeploymentSnapshot

KEPT = timedelta(minutes=8)
"""The longest time over which the load is averaged."""
APART = timedelta(seconds=10)
"""Looks that are closer say the same again: so many are kept at most, whatever rouses the operator."""
CHANCE = 2.0
"""Times what chance moves the newest look by: while nothing changes it is further off at every twentieth look."""
MOST_REPLICAS_WORTH = 1e6
"""A rate above this is no load: a counter that was damaged, or a clock that jumped."""


@dataclass(frozen=True, slots=True)
class Offered:
    """The load at one look.

    Attributes:
        at: When it was looked at.
        seconds: Of compute that are asked for each second.
        requests: That come each second.
        age_seconds: Of the oldest figure behind it.
        waiting: Requests that wait in the engines, on average; None where that is not known.
        queued: Those that wait now; likewise.
    """

    at: datetime
    seconds: float
    requests: float
    age_seconds: float = 0.0
    waiting: float | None = None
    queued: float | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be reckoned with.

    Attributes:
        seconds: Of compute that are asked for each second.
        request_seconds: Of compute that a request asks for, on average.
        over: The time over which it is the mean, beside the window of the figures themselves.
        age_seconds: Of the oldest figure of the newest look.
        error: Share of it by which chance moves a mean over that time.
    """

    seconds: float
    request_seconds: float
    over: timedelta
    age_seconds: float
    error: float = 0.0

    def __str__(self) -> str:
        over = f" over {self.over.total_seconds():.0f} s" if self.over else ""
        return f"{self.seconds:.2f} s of compute are asked for each second{over}, {self.age_seconds:.0f} s old"


def offered(snapshot: DeploymentSnapshot, ready: int, now: datetime) -> Offered | str:
    """The load of this moment, or the sentence that says which figure is missing.

    Args:
        snapshot: What was measured.
        ready: Pods that take requests: all have to report.
        now: When this is.
    """
    named = {
        "offered compute": snapshot.offered_compute,
        "spared compute": snapshot.spared_compute,
        "compute of decoding": snapshot.decode_compute,
        "arrivals": snapshot.arrivals,
        "the number of pods that report": snapshot.reporting_pods,
    }
    values = {name: figure.value for name, figure in named.items() if figure.value is not None}
    if len(values) < len(named):
        return "; ".join(f"{name} {figure.why_not}" for name, figure in named.items() if figure.value is None)
    came, spared, decoding, requests, pods = values.values()
    if pods < ready:
        return f"only {pods:g} of {ready} ready pods report"
    if requests <= 0:
        return "no request got a first token"
    seconds = max(0.0, came - spared) + decoding
    if not 0 <= seconds <= MOST_REPLICAS_WORTH:
        return f"{seconds:g} s of compute each second cannot be"
    age = max(figure.age_seconds or 0.0 for figure in named.values())
    return Offered(now, seconds, requests, age, snapshot.mean_waiting.value, snapshot.waiting.value)


def remember(looks: Sequence[Offered], newest: Offered) -> tuple[Offered, ...]:
    """The looks that still count, the newest last."""
    kept = [look for look in looks if newest.at - KEPT < look.at < newest.at]
    if len(kept) > 1 and kept[-1].at - kept[-2].at < APART:
        kept.pop()
    return (*kept, newest)


def load(looks: Sequence[Offered], window: timedelta, spread: float) -> Load:
    """The mean over the longest time that the newest look does not contradict.

    Requests come by chance, n in a window with a work of which the square of the coefficient of variation is `spread`:
    the work of a window differs from its mean by the root of `(1 + spread) / n` of it. As long as the newest look does
    so by no more than twice that, the mean over all looks is the best. Beyond, the load has changed, and the mean is
    that over the longest time from which it differs by no more than chance. Its error follows from all its requests.

    Args:
        looks: As `remember` returned them; the last is the newest.
        window: Over which each look's rates were taken.
        spread: How uneven requests are.
    """
    newest, means, differing = looks[-1], list[Load](), list[float]()
    seconds = requests = 0.0
    for counted, look in enumerate(reversed(looks), start=1):
        seconds, requests = seconds + look.seconds, requests + look.requests
        mean, rate, over = seconds / counted, requests / counted, newest.at - look.at
        error = chance(rate, over + window, spread)
        means.append(Load(mean, seconds / requests, over, newest.age_seconds, error))
        moved = mean * chance(rate, window, spread)
        differing.append(abs(newest.seconds - mean) / moved if moved > 0 else 0.0)
    if differing[-1] <= CHANCE:
        return means[-1]
    return next(one for one, times in zip(reversed(means), reversed(differing), strict=True) if times <= 1)


def chance(requests: float, over: timedelta, spread: float) -> float:
    """The share by which chance moves the work of requests that come for a time, so many each second."""
    return sqrt((1 + spread) / max(requests * over.total_seconds(), 1.0))
