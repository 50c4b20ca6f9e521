"""vLLM's `serve` command in this process.

Not through the `vllm` program: it asks for the metadata of a package called vllm, which vLLM's CPU build does not have.
"""

from __future__ import annotations

from collections.abc import Sequence

from vllm.entrypoints.cli.serve import ServeSubcommand
from vllm.entrypoints.serve.utils.api_utils import cli_env_setup
from vllm.logger import configure_logging_from_args
from vllm.utils.argparse_utils import FlexibleArgumentParser


def serve(arguments: Sequence[str]) -> None:
    """Serve until told to end: SIGTERM drains for vLLM's `--shutdown-timeout`, then ends.

    Args:
        arguments: As for the `vllm` program: "serve", the model, the rest.
    """
    cli_env_setup()
    parser = FlexibleArgumentParser(prog="cake-engine", description="Cake in vLLM.")
    command = ServeSubcommand()
    command.subparser_init(parser.add_subparsers(required=True))
    parsed = parser.parse_args(list(arguments))
    configure_logging_from_args(parsed)
    command.validate(parsed)
    command.cmd(parsed)
