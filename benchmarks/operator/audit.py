"""The API server's own record of who wrote what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

AGENT: Final = "cake-bench"
"""What the benchmark calls itself to the API server."""

_WRITES: Final = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_OTHERS: Final = (AGENT, "kubectl", "kube-scheduler")


def writes_of_operator(events: Iterator[dict[str, Any]]) -> list[str]:
    """The writes that only the operator can have made, as "patch configmaps", its leases left out.

    The controllers have users of their own. Of the administrator's clients everyone counts as the operator who is not
    known to be another: kopf among them, which has a client of its own.
    """
    return [
        f"{event['verb']} {event['objectRef']['resource']}"
        for event in events
        if event["verb"] in _WRITES
        and not event["user"]["username"].startswith("system:")
        and not event.get("userAgent", "").startswith(_OTHERS)
        and event["objectRef"]["resource"] != "leases"
    ]


class AuditTail:
    """What comes to be written into the audit log of a cluster, from one look to the next."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[int, int] = {}

    def skip(self) -> None:
        """Begin anew here."""
        for path in self._logs():
            about = path.stat()
            self._read[about.st_ino] = about.st_size

    def events(self) -> Iterator[dict[str, Any]]:
        """The events since the last look."""
        for path in self._logs():
            with path.open("rb") as log:
                log.seek(self._read.get(path.stat().st_ino, 0))
                for line in log:
                    if line.endswith(b"\n"):  # else it is being written
                        self._read[path.stat().st_ino] = self._read.get(path.stat().st_ino, 0) + len(line)
                        yield json.loads(line)

    def _logs(self) -> list[Path]:
        """The log, and before it those that were put aside because they had become too large."""
        return sorted(self._folder.glob("audit-*.log")) + list(self._folder.glob("audit.log"))
