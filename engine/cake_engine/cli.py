"""`cake-engine serve`: vLLM's own server with Cake in it. `cake-engine store`: what a file tier holds.

Two things are added to what `vllm serve` would do, both through vLLM's own arguments; `--show` prints the command. All
else is vLLM's, and so is every other argument.
"""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from cake_engine.commands import STORE
from cake_engine.commands.usage import UsageError
from cake_engine.config import ConfigError, read_static
from cake_engine.store.cipher import cipher_of
from cake_engine.store.tenant import tenant_of

CONNECTOR = "CakeConnector"
CONNECTOR_MODULE = "cake_engine.vllm.connector"
SCHEDULER = "cake_engine.vllm.scheduler.CakeScheduler"

_OURS = {
    "--kv-transfer-config": "Cake is the KV connector here",
    "--kv-offloading-size": "the tiers of --cake-config say how much memory is used",
    "--kv-offloading-backend": "the tiers of --cake-config say what is used",
    "--scheduler-cls": "Cake is the scheduler here",
}
"""Arguments of vLLM that are Cake's to give, and why."""

_USAGE_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    signal.signal(signal.SIGTERM, _end)  # as process 1 of a container there is no other end before vLLM's own handler
    options, rest = command_line().parse_known_args(argv)
    try:
        return _serve(options, rest) if options.command == "serve" else _store(options, rest)
    except (ConfigError, UsageError) as error:
        print(f"cake-engine: {error}", file=sys.stderr)
        return _USAGE_ERROR


def _serve(options: argparse.Namespace, given: Sequence[str]) -> int:
    arguments = serve_arguments(given, options.cake_config)
    if options.show:
        print(shlex.join(["vllm", *arguments]))
        return 0
    from cake_engine.vllm_releases import UnsupportedError

    try:
        from cake_engine.vllm.server import serve
    except UnsupportedError as error:
        raise UsageError(str(error)) from None
    serve(arguments)
    return 0


def _store(options: argparse.Namespace, rest: Sequence[str]) -> int:
    if rest:
        raise UsageError(f"{rest[0]} is not an argument of store {options.name}: see cake-engine store --help.")
    return int(options.run(options))


def serve_arguments(given: Sequence[str], config: Path) -> list[str]:
    """What `vllm` is called with.

    Args:
        given: The model, then any arguments of `vllm serve`.
        config: The static configuration file.

    Raises:
        UsageError: The model is missing, or an argument is Cake's to give.
        ConfigError: The file, or a secret that it names, cannot be used.
    """
    if not given or given[0].startswith("-"):
        raise UsageError("the model is missing: write cake-engine serve MODEL --cake-config FILE [vLLM's arguments].")
    for argument in given:
        flag = argument.split("=")[0].split(".")[0].replace("_", "-")
        if flag in _OURS:
            raise UsageError(
                f"remove {flag}: {_OURS[flag]}. To combine it with others, start from the command that --show prints."
            )
    static = read_static(config)
    tenant_of(static)
    cipher_of(static)
    transfer = {
        "kv_connector": CONNECTOR,
        "kv_connector_module_path": CONNECTOR_MODULE,
        "kv_role": "kv_both",
        "kv_connector_extra_config": {"cake_config": str(config)},
    }
    return ["serve", *given, "--kv-transfer-config", json.dumps(transfer), "--scheduler-cls", SCHEDULER]


def command_line() -> argparse.ArgumentParser:
    """The commands and their arguments, but for those of vLLM."""
    parser = argparse.ArgumentParser(prog="cake-engine", description="Cake in vLLM.", allow_abbrev=False)
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="serve a model as vLLM does",
        allow_abbrev=False,
        usage="cake-engine serve MODEL --cake-config FILE [--show] [any argument of vllm serve]",
        description="Serve a model as vLLM does, with Cake bringing back stored prefixes.",
        epilog="For the arguments of vLLM, see vllm serve --help=all.",
    )
    serve.add_argument("--cake-config", type=Path, required=True, metavar="FILE", help="tiers and model, as JSON")
    serve.add_argument("--show", action="store_true", help="print the plain vllm command and exit")
    store = commands.add_parser("store", allow_abbrev=False, help="look at a file tier").add_subparsers(
        required=True, dest="name", metavar="COMMAND"
    )
    for command in STORE:
        one = store.add_parser(command.NAME, allow_abbrev=False, help=command.HELP, description=command.__doc__)
        one.add_argument("folder", type=Path, metavar="FOLDER", help="the tier's folder; it may be in use")
        command.arguments(one)
        one.set_defaults(run=command.run)
    return parser


def _end(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the shape of a signal handler
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
