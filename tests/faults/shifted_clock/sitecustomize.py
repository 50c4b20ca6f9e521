"""A process whose time of day can be set, as a person sets that of a machine: it is on this process' PYTHONPATH.

Time that passes (monotonic, boot time) goes on as it does when a clock is set. The file that CAKE_FAULTS_CLOCK names
has the seconds by which the time of day is wrong.
"""

import datetime
import os
import time
from pathlib import Path

_FILE = Path(os.environ["CAKE_FAULTS_CLOCK"])
_right = time.time


def _wrong() -> float:
    return _right() + float(_FILE.read_text())


class _DateTime(datetime.datetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> "_DateTime":
        return cls.fromtimestamp(_wrong(), tz)

    @classmethod
    def utcnow(cls) -> "_DateTime":
        return cls.now(datetime.UTC).replace(tzinfo=None)


time.time = _wrong
datetime.datetime = _DateTime  # type: ignore[misc]  # what is imported after this has it
