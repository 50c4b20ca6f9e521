"""`cake-engine store import FOLDER ARCHIVE`: blocks of an archive that `export` wrote, into a tier that may be in use.

Each block is checked as a reader checks it, and takes room that is free: what is stored is pushed out by nothing. What
finds no room can be imported again later; what is there already is left as it is.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cake_engine.commands.export import STREAM
from cake_engine.commands.outcomes import summary
from cake_engine.commands.usage import UsageError, reading
from cake_engine.store.archive import Block, entries
from cake_engine.store.eviction import Limits
from cake_engine.store.intake import NO_ROOM, THERE, Intake
from cake_engine.store.keeper import Keeper
from cake_engine.store.ledger import Ledger
from cake_engine.store.verification import GOOD

NAME = "import"
HELP = "take blocks from an archive, as far as there is room"

_REFUSED = 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where from."""
    parser.add_argument("archive", type=Path, metavar="ARCHIVE", help="file that export wrote; - is the standard input")
    parser.add_argument("--capacity", type=int, metavar="BYTES", help="as in the configuration, where no engine runs")


def run(options: argparse.Namespace) -> int:
    """Publish what is good and finds room; returns 1 when something was refused."""
    with reading(options.folder):
        options.folder.stat()
        kept = Ledger(options.folder, capacity_bytes=1).read().limit
    if not (kept or options.capacity):
        raise UsageError("no engine keeps the books of this tier now: say what it may hold with --capacity BYTES.")
    if kept and options.capacity:  # the least of all capacities holds: a small one would have the engines remove blocks
        raise UsageError(f"engines hold this tier to {kept} bytes: leave out --capacity.")
    limits, outcomes = Limits(kept or options.capacity), Counter[str]()
    keeper = Keeper(options.folder, limits, on_evicted=lambda _: None, key_space="")
    keeper.start()
    try:
        intake = Intake(options.folder, limits, keeper)
        with _read(options.archive) as archive:
            for entry in entries(archive):
                outcome = entry.outcome if entry.block is None else _taken(intake, entry.block, options.folder)
                outcomes[outcome] += 1
                if outcome not in (GOOD, THERE, NO_ROOM):
                    print(f"{outcome:<12} {entry.name}")
    finally:
        keeper.stop()
    print(summary(outcomes))
    return _REFUSED if outcomes.keys() - {GOOD, THERE} else 0


def _taken(intake: Intake, block: Block, root: Path) -> str:
    """What became of a block.

    Raises:
        UsageError: The tier cannot be written.
    """
    try:
        return intake.take(block)
    except OSError as error:
        raise UsageError(f"{root}: cannot be written ({error.strerror}).") from None


@contextlib.contextmanager
def _read(path: Path) -> Iterator[tarfile.TarFile]:
    """An archive, to be read once from its beginning.

    Raises:
        UsageError: It cannot be read, or is none.
    """
    try:
        if path == STREAM:
            with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
                yield archive
        else:
            with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|") as archive:
                yield archive
    except (tarfile.TarError, EOFError) as error:
        raise UsageError(f"{path}: no whole archive of blocks ({error}); what came before was imported.") from None
    except OSError as error:
        raise UsageError(f"{path}: the archive cannot be read ({error.strerror}).") from None
