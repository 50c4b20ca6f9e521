"""`cake-engine store stat FOLDER`: bytes by model, codec, tenant and age, what is pinned, and what the books say."""

from __future__ import annotations

import argparse
import time

from cake_engine.commands.of_tenant import SHOWN, of_tenant, salt_argument
from cake_engine.commands.usage import reading
from cake_engine.store.inventory import AGES, Holding, holdings
from cake_engine.store.ledger import Ledger
from cake_engine.store.pins import pins

NAME = "stat"
HELP = "show bytes by model, codec, tenant and age, and what writers hold"

_MIB = 1 << 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Whose blocks."""
    salt_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Print a line for each fingerprint, the sum, the pins and the books."""
    with reading(options.folder):
        found = of_tenant(holdings(options.folder, time.time()), options.salt)
        accounts = Ledger(options.folder, capacity_bytes=1).read()
        pinned = [pin.name for pin in pins(options.folder) if pin.key_space in {one.folder for one in found}]
    ages = " ".join(f"{name:>10}" for name in AGES)
    head = f"{'MODEL':<32} {'REVISION':<12} {'WEIGHTS':<8} {'CODEC':<8} {'TENANT':<{SHOWN}}"
    print(f"{head} {'BLOCKS':>9} {'MIB':>10} {ages} {'WRITING':>8}")
    for one in found:
        print(
            f"{one.named('model'):<32} {one.named('revision'):<12} {one.named('weights')[:8]:<8} "
            f"{one.named('codec'):<8} {one.named('tenant')[:SHOWN]:<{SHOWN}} {_figures([one])}"
        )
    print(f"{'all':<{len(head)}} {_figures(found)}")
    if pinned:
        print(f"Pinned: {', '.join(pinned)}. `cake-engine store pins` says what they hold.")
    if not accounts.writers:
        print("No engine keeps the books of this tier.")
        return 0
    used = "not counted yet" if accounts.used is None else f"{accounts.used / _MIB:.1f} MiB used"
    print(
        f"Books: {used}, {accounts.held / _MIB:.1f} MiB held by {len(accounts.writers)} engines, "
        f"{accounts.limit / _MIB:.1f} MiB is the least of their capacities."
    )
    return 0


def _figures(found: list[Holding]) -> str:
    """Blocks, MiB, MiB by age since last use, temporaries; the ages are of blocks alone."""
    blocks, size = sum(one.blocks for one in found), sum(one.size_bytes for one in found) / _MIB
    ages = " ".join(f"{sum(one.ages[name] for one in found) / _MIB:>10.1f}" for name in AGES)
    return f"{blocks:>9} {size:>10.1f} {ages} {sum(one.temporaries for one in found):>8}"
