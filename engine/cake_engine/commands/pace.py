"""For commands that read many blocks: no faster than they are told, as engines read the same disk."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator

from cake_engine.store.bandwidth import BandwidthCap
from cake_engine.store.listing import StoredFile


def bandwidth_argument(parser: argparse.ArgumentParser) -> None:
    """Add --bandwidth."""
    parser.add_argument("--bandwidth", type=float, metavar="MIB", help="read at most so many MiB a second")


def paced(files: Iterable[StoredFile], mib_per_second: float | None) -> Iterator[StoredFile]:
    """Each file once its bandwidth is due; at once without any."""
    cap, asked = BandwidthCap(), time.monotonic()
    rate = mib_per_second * (1 << 20) if mib_per_second else None
    for file in files:
        time.sleep(max(0.0, cap.due(file.size, rate, asked) - time.monotonic()))
        cap.take(file.size, rate, asked, time.monotonic())
        yield file
