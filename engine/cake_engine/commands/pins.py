"""`cake-engine store pins FOLDER`: the prefixes that stay, and whether there is room for them."""

from __future__ import annotations

import argparse

from cake_engine.commands.of_tenant import of_tenant, salt_argument
from cake_engine.commands.usage import reading
from cake_engine.store.census import census
from cake_engine.store.inventory import holdings
from cake_engine.store.ledger import Ledger
from cake_engine.store.pins import honoured, pins

NAME = "pins"
HELP = "list pinned prefixes, and whether they find room in the part of the capacity that pins may hold"

_MIB = 1 << 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Whose pins."""
    salt_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Print a line for each pin: how many of its blocks are there, and whether they stay."""
    with reading(options.folder):
        owners = {one.folder: one for one in of_tenant(holdings(options.folder, 0.0), options.salt)}
        files = list(census(options.folder))
        made = pins(options.folder)
        capacity = Ledger(options.folder, capacity_bytes=1).read().limit
    held = honoured(made, files, capacity)
    sizes = {file.path: file.size for file in files}
    print(f"{'PIN':<32} {'MODEL':<32} {'BLOCKS':>9} {'OF':>9} {'MIB':>10} {'STAYS':<7} FOLDER")
    for pin in made:
        if pin.key_space not in owners:
            continue
        there = [sizes[path] for path in pin.blocks if path in sizes]
        stays = ("yes" if pin in held else "no room") if capacity else "-"
        print(
            f"{pin.name:<32} {owners[pin.key_space].named('model'):<32} {len(there):>9} {len(pin.blocks):>9} "
            f"{sum(there) / _MIB:>10.1f} {stays:<7} {pin.key_space}"
        )
    return 0
