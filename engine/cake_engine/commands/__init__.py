"""`cake-engine store COMMAND`: one module each, listed here. All are safe on a claim that engines use."""

from __future__ import annotations

import argparse
from typing import Protocol

from cake_engine.commands import export, gc, import_, ls, pins, stat, unpin, verify


class Command(Protocol):
    """A module that is a command."""

    NAME: str
    HELP: str

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes beside the folder."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it; returns the exit status.

        Raises:
            UsageError: It cannot be done so.
        """


STORE: tuple[Command, ...] = (ls, stat, verify, gc, export, import_, pins, unpin)
