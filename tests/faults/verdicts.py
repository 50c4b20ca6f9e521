"""What becomes of each of a subject's requests, by the fault that it is under. Pure but for the counting."""

import collections
import re
from dataclasses import dataclass

from tests.faults.events import Conflict, Event, Kill, Late, Lose, Refuse

READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Verdict:
    """What to do with one request.

    Attributes:
        carried_out: Whether the API server gets it.
        status: Answered instead of what the API server says; None for its own answer.
        retry_after: Seconds in the header Retry-After.
        late: Seconds that the answer is held back.
        lost: Whether the connection breaks before the answer.
        kills: Whether the operator is killed before the answer.
    """

    carried_out: bool = True
    status: int | None = None
    retry_after: int | None = None
    late: float = 0.0
    lost: bool = False
    kills: bool = False

    @property
    def strikes(self) -> bool:
        """Whether it is anything but what happens without a fault."""
        return self != LET_PASS


LET_PASS = Verdict()


class Judge:
    """Judges the requests of one subject, in the order in which they come.

    Attributes:
        struck: How many of them were not let pass.
        writes: How many of them were writes.
    """

    def __init__(self, event: Event | None) -> None:
        self._event = event
        self._requests = 0
        self.writes = 0
        self._attempts: collections.Counter[tuple[str, str]] = collections.Counter()
        self.struck = 0

    def of(self, method: str, path: str) -> Verdict:
        """What becomes of the next request."""
        self._requests += 1
        if method not in READING:
            self.writes += 1
            self._attempts[method, path] += 1
        verdict = self._verdict(method, path)
        self.struck += verdict.strikes
        return verdict

    def _verdict(self, method: str, path: str) -> Verdict:
        match self._event:
            case Refuse(first, count, status, retry_after) if first <= self._requests < first + count:
                return Verdict(carried_out=False, status=status, retry_after=retry_after)
            case Conflict() if self._attempts[method, path] % 2 == 1:
                return Verdict(carried_out=False, status=409)
            case Lose(at) if self._requests in at:
                return Verdict(lost=True)
            case Late(at, seconds) if self._requests in at:
                return Verdict(late=seconds)
            case Kill(at, carried_out) if self.writes == at and method not in READING and not self.struck:
                return Verdict(carried_out=carried_out, lost=True, kills=True)
        return LET_PASS


def subject_of(path: str) -> str | None:
    """The subject that a request is about, by the beginning of the object's name in its path.

    >>> subject_of("/apis/apps/v1/namespaces/faults/deployments/subject-17")
    'subject-17'
    >>> subject_of("/api/v1/namespaces/subject-3/configmaps/subject-3-engine")
    'subject-3'
    """
    found = re.match(r".*/namespaces/[^/]+/[^/]+/(subject-\d+)(?![^./-])", path)
    return found[1] if found else None


def watched_plural(path: str) -> str:
    """The kind that a collection's path is of, as in `pods`."""
    return path.rstrip("/").rpartition("/")[2]
