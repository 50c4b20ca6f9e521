"""How often the operator wrote, by the API server's own audit log."""

import collections
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from tests.faults.verdicts import subject_of
from tests.localcluster.local import LocalCluster

WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection"})


class AuditLog:
    """The audit log, read as it grows."""

    def __init__(self, cluster: LocalCluster, user: str) -> None:
        self._path = cluster.run.folder / "audit.log"
        self._user = user
        self._file = self._path.open("rb")
        self._rest = b""
        self._writes: collections.Counter[tuple[str, str]] = collections.Counter()

    def writes(self) -> Mapping[tuple[str, str], int]:
        """The operator's writes so far by namespace and subject, refused ones among them."""
        self._take()
        if self._path.stat().st_ino != os.fstat(self._file.fileno()).st_ino:
            # The API server has begun a new file. What it wrote to the old one since is taken first.
            self._take()
            self._file.close()
            self._file = self._path.open("rb")
            self._take()
        return self._writes

    def _take(self) -> None:
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        self._writes.update(written(map(json.loads, lines), self._user))


def written(events: Iterable[Mapping[str, Any]], user: str) -> Iterable[tuple[str, str]]:
    """Namespace and subject of each write of a user."""
    for event in events:
        if event["user"]["username"] != user or event["verb"] not in WRITING:
            continue
        subject = subject_of(event["requestURI"].partition("?")[0])
        if subject is not None:
            yield event["objectRef"].get("namespace", ""), subject
