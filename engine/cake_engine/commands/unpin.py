"""`cake-engine store unpin FOLDER NAME`: what was pinned under a name leaves in its turn again."""

from __future__ import annotations

import argparse

from cake_engine.commands.of_tenant import of_tenant, salt_argument
from cake_engine.commands.usage import UsageError, reading
from cake_engine.store.inventory import holdings
from cake_engine.store.pins import pins, remove

NAME = "unpin"
HELP = "take a pin back; its blocks stay until their turn to leave comes"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which, and whose."""
    parser.add_argument("pin", metavar="NAME", help="of the pin, as pins lists it")
    salt_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Take back every pin of that name."""
    with reading(options.folder):
        owners = {one.folder for one in of_tenant(holdings(options.folder, 0.0), options.salt)}
        found = [pin for pin in pins(options.folder) if pin.name == options.pin and pin.key_space in owners]
    if not found:
        raise UsageError(f'{options.folder}: no pin is called "{options.pin}"; `cake-engine store pins` lists them.')
    for pin in found:
        try:
            remove(f"{options.folder}/{pin.key_space}", pin.name)
        except OSError as error:
            raise UsageError(f"{options.folder}: the pin cannot be removed ({error.strerror}).") from None
        print(f"{pin.name} of {pin.key_space} is no longer pinned")
    return 0
