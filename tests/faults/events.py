"""What a fault consists of: the events that a plan is made of. Values, and nothing is done here."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True)
class Refuse:
    """Some of a subject's requests are answered with an error, and not carried out.

    Attributes:
        first: The first of them, counted from 1 when the stage begins.
        count: How many in a row.
        status: HTTP status.
        retry_after: Seconds in the header Retry-After; None for no such header.
    """

    first: int
    count: int
    status: int
    retry_after: int | None = None


@dataclass(frozen=True)
class Conflict:
    """Every write is refused with 409 before it gets through: each odd attempt at the same object."""


@dataclass(frozen=True)
class Lose:
    """These of a subject's requests are carried out, and the connection breaks before the answer."""

    at: tuple[int, ...]


@dataclass(frozen=True)
class Late:
    """These of a subject's requests are carried out, and the answer comes late."""

    at: tuple[int, ...]
    seconds: float


@dataclass(frozen=True)
class Kill:
    """SIGKILL to the operator at one of a subject's writes, after it was carried out or before.

    Attributes:
        at: Which write, counted from 1 when the stage begins.
        carried_out: Whether it still is.
    """

    at: int
    carried_out: bool


@dataclass(frozen=True)
class KillLater:
    """SIGKILL to the operator some time after the stage began."""

    seconds: float


class Blow(StrEnum):
    """What becomes of a watch."""

    CUT = "cut between events"
    CUT_IN_LINE = "cut in the middle of an event"
    GONE_STATUS = "its next is refused with HTTP status 410"
    GONE_EVENT = "its next begins with an ERROR event of code 410"
    SILENT = "stays open and tells of nothing more"


@dataclass(frozen=True)
class Watch:
    """What becomes of the operator's watches of these kinds (plurals), when the stage begins."""

    blow: Blow
    plurals: frozenset[str]


@dataclass(frozen=True)
class Outage:
    """The API server cannot be reached: every connection breaks, and each new one at once."""

    after: float
    seconds: float


@dataclass(frozen=True)
class EtcdRestart:
    """etcd ends and is started again."""

    after: float


@dataclass(frozen=True)
class ClockJump:
    """The operator's time of day jumps; back where negative."""

    seconds: float


@dataclass(frozen=True)
class Edit:
    """Somebody writes this into a ConfigMap of the subject: a merge patch."""

    name: str
    patch: Any


@dataclass(frozen=True)
class Quota:
    """The namespace may have none of a resource until the refusal was told of."""

    resource: str


@dataclass(frozen=True)
class Newer:
    """The spec has this besides, which only a newer operator knows, until that was told of."""

    where: tuple[str, ...]
    value: Any


@dataclass(frozen=True)
class NamespaceGone:
    """The namespace is deleted."""

    after: float


class Telling(StrEnum):
    """What is wrong with what Prometheus tells."""

    NOTHING = "nothing is wrong"
    UNREACHABLE = "it cannot be reached"
    ERROR = "it answers 500"
    SLOW = "it answers after 12 s"
    WRONG_TYPE = "it answers with a string for a vector"
    EMPTY = "it has no series of the subject"
    NAN = "every value of the subject is NaN"
    STALE = "every sample of the subject is 10 minutes old"
    POD_MISSING = "one pod's series are missing"


@dataclass(frozen=True)
class Figures:
    """What Prometheus tells is wrong, while the truth would ask for another number of replicas.

    Attributes:
        rounds: Looks at it that this lasts.
    """

    telling: Telling
    rounds: int


Event = (
    Refuse
    | Conflict
    | Lose
    | Late
    | Kill
    | KillLater
    | Watch
    | Outage
    | EtcdRestart
    | ClockJump
    | Edit
    | Quota
    | Newer
    | NamespaceGone
    | Figures
)
