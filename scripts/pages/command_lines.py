"""The reference of the command lines: what each program says for --help, and each of its commands."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Iterator

from cake_engine.cli import command_line as engine
from cake_operator.kubectl.main import command_line as kubectl
from cake_simulator.cli import command_line as simulator

WIDTH = 100

_INTRODUCTION = """\
# Command lines

What each program says for `--help`; made from its code by `make generate`. The operator itself, `cake-operator`, takes
no argument but `--version`: it is told by variables, which [the chart](chart-values.md) sets.
"""

_PROGRAMS = (
    ("kubectl cake", "A plugin that only reads: [how to](../how-to/kubectl.md).", kubectl),
    ("cake-engine", "In the engine's image, or [without Kubernetes](../how-to/without-kubernetes.md).", engine),
    ("cake-simulate", "[Size a fleet before you buy it](../how-to/simulate.md).", simulator),
)


def page() -> str:
    """The page docs/reference/command-lines.md."""
    parts = [_INTRODUCTION]
    for name, purpose, command_line in _PROGRAMS:
        program, *commands = _with_commands(command_line())
        parts += [f"## {name}\n\n{purpose}\n", _help(program)]
        parts += [f"### {command.prog}\n\n{_help(command)}" for command in commands]
    return "\n".join(parts)


def _with_commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A program, then its commands, and the commands of those: whatever has a --help of its own."""
    yield parser
    # argparse has no other way to ask which commands were added.
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _with_commands(command)


def _help(parser: argparse.ArgumentParser) -> str:
    # As wide everywhere: argparse asks the terminal.
    parser.formatter_class = functools.partial(argparse.HelpFormatter, width=WIDTH)
    return f"```text\n{parser.format_help()}```\n"
