"""Recommendations over time: what is wished for now counts only once it was wished for long enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A number of replicas that was wished for."""

    at: datetime
    replicas: int


@dataclass(frozen=True, slots=True)
class Windows:
    """For how long growth and shrinking must have been wished for."""

    up: timedelta
    down: timedelta


@dataclass(frozen=True, slots=True)
class Stabilized:
    """What the windows let through, and when time alone may let more through."""

    replicas: int
    until: datetime


def remember(
    recommendations: Sequence[Recommendation], newest: Recommendation, windows: Windows
) -> tuple[Recommendation, ...]:
    """The recommendations that can still count, the newest last.

    One that lies between newer ones is forgotten: neither the smallest nor the largest of a window is ever asked of it.
    So no more are kept than there are numbers of replicas, however long the windows.
    """
    since = newest.at - max(windows.up, windows.down)
    kept, fewest, most = [newest], newest.replicas, newest.replicas
    for older in reversed(recommendations):
        if older.at > since and not fewest <= older.replicas <= most:
            kept.append(older)
            fewest, most = min(fewest, older.replicas), max(most, older.replicas)
    return tuple(reversed(kept))


def stabilize(recommendations: Sequence[Recommendation], current: int, windows: Windows, now: datetime) -> Stabilized:
    """Grow no further than every recommendation of the up window, shrink no further than any of the down window.

    Args:
        recommendations: As `remember` returned them; the last is the newest.
        current: Replicas now.
        windows: For how long a wish must stand.
        now: When this is.
    """
    newest = recommendations[-1]
    if newest.replicas > current:
        window, wished = windows.up, min
    else:
        window, wished = windows.down, max
    counted = [r for r in recommendations if r.at > now - window or r is newest]
    limit = wished(r.replicas for r in counted)
    replicas = max(current, limit) if newest.replicas > current else min(current, limit)
    if replicas == newest.replicas:
        return Stabilized(replicas, now)
    holding = [r.at for r in counted if wished(r.replicas, newest.replicas) != newest.replicas]
    return Stabilized(replicas, max(holding) + window)
