"""What runs in the load generator's processes: `vllm bench serve`, forked from a server that imported it once.

Importing vLLM takes seconds of a core that the served model needs; forked, every run starts at once, in a process of
its own whose output goes to a file. The progress bar goes to the terminal.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

PRELOAD = "demo.bench_preload"


def run(arguments: Sequence[str], log: Path) -> None:
    """Run ``vllm bench serve ARGUMENTS``; what it prints is added to ``log``.

    Raises:
        SystemExit: An argument is wrong.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group: the demo ends its children itself
    from vllm.benchmarks import serve  # noqa: PLC0415 - the demo itself never waits for this import

    parser = argparse.ArgumentParser(prog="vllm bench serve")
    serve.add_cli_args(parser)
    with log.open("a") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        serve.main(parser.parse_args(list(arguments)))
        sys.stdout.flush()
