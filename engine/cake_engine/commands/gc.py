"""`cake-engine store gc FOLDER --dry-run`: what the collector would remove now.

It only looks: removing is for the engine that is elected, which knows what the others are about to write, and how often
it has seen each block used.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from cake_engine.commands.usage import UsageError, reading
from cake_engine.store.census import census
from cake_engine.store.collector import knowledge
from cake_engine.store.eviction import Limits, choose
from cake_engine.store.ledger import Ledger
from cake_engine.store.listing import Listing, StoredFile

NAME = "gc"
HELP = "show what would be removed to hold a capacity and an age"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The limits."""
    parser.add_argument("--dry-run", action="store_true", required=True, help="look only: removing is for the engines")
    parser.add_argument("--capacity", type=int, metavar="BYTES", help="as in the configuration; else that of the books")
    parser.add_argument("--ttl", type=float, metavar="SECONDS", help="age since last use after which a block leaves")


def run(options: argparse.Namespace) -> int:
    """Print what would leave, by fingerprint."""
    with reading(options.folder):
        accounts = Ledger(options.folder, capacity_bytes=1).read()
        capacity = options.capacity or accounts.limit
        if not capacity:
            raise UsageError("no engine keeps the books of this tier now: say what it may hold with --capacity BYTES.")
        files, now = Listing(census(options.folder)), time.time()
        known = knowledge(options.folder, files, accounts.key_spaces, capacity, now)
    limits = Limits(capacity, options.ttl)
    places = choose(files, limits, now, held=accounts.held, wanted=accounts.wanted, known=known)
    leaving = [files[place] for place in places]
    print(f"{'FILES':>9} {'MIB':>10} {'USED AT LEAST':>14} FOLDER")
    for folder, ones in sorted(_by_folder(leaving).items()):
        print(f"{_size([f.size for f in ones])} {_ago(now - max(f.used for f in ones)):>14} {folder}")
    print(f"{_size([file.size for file in leaving])} {'':>14} would leave; what stays:")
    print(_size(np.delete(files.sizes, places).tolist()))
    return 0


def _by_folder(files: list[StoredFile]) -> dict[str, list[StoredFile]]:
    found: dict[str, list[StoredFile]] = defaultdict(list)
    for file in files:
        found[Path(file.path).parents[1].name].append(file)
    return found


def _size(sizes: list[int]) -> str:
    return f"{len(sizes):>9} {sum(sizes) / (1 << 20):>10.1f}"


def _ago(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h ago"
