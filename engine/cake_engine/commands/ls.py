"""`cake-engine store ls FOLDER`: whose blocks a tier holds, and how many."""

from __future__ import annotations

import argparse
import time

from cake_engine.commands.of_tenant import SHOWN, of_tenant, salt_argument
from cake_engine.commands.usage import reading
from cake_engine.store.inventory import holdings

NAME = "ls"
HELP = "list whose blocks a tier holds, and how many"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Whose blocks."""
    salt_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Print a line for each fingerprint."""
    with reading(options.folder):
        found = of_tenant(holdings(options.folder, time.time()), options.salt)
    figures = f"{'TP':>3} {'BLOCKS':>9} {'MIB':>10} {'LAST USED':<20}"
    print(f"{'MODEL':<32} {'REVISION':<12} {figures} {'TENANT':<{SHOWN}} FOLDER")
    for one in found:
        used = "-" if one.last_used is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.last_used))
        shards, size = one.named("tensor_parallel_size"), one.size_bytes / (1 << 20)
        print(
            f"{one.named('model'):<32} {one.named('revision'):<12} {shards:>3} {one.blocks:>9} {size:>10.1f} "
            f"{used:<20} {one.named('tenant')[:SHOWN]:<{SHOWN}} {one.folder}"
        )
    return 0
