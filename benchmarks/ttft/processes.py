"""Engines in processes of their own, one call at a time: while one plays the others wait and cost nothing.

vLLM keeps its connector in a global, so a process holds one engine; and its log lines go to a file, not over the
progress bar.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ENVIRONMENT = {
    # One thread computes; the other core is for the loads.
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    # The engine runs where its driver can look into it.
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
    # Engines that share stored blocks have to hash alike.
    "PYTHONHASHSEED": "0",
}
ENDING_SECONDS = 30.0
LOG_LINES = 30


class EngineError(RuntimeError):
    """An engine failed; the text has the end of its log."""


class EngineProcess:
    """A `Player` in another process."""

    def __init__(self, name: str, model: Path, folder: Path, *, cake: bool) -> None:
        """Start it; the first call waits until it is up.

        Args:
            name: In words.
            model: Folder of the model.
            folder: For configuration, stored blocks and the log.
            cake: With Cake's schedule.
        """
        self._name = name
        self._log = folder / f"{name}.log"
        os.environ.update(ENVIRONMENT)  # some of these are read when the interpreter starts
        context = multiprocessing.get_context("spawn")
        self._pipe, remote = context.Pipe()
        self._process = context.Process(target=_serve, args=(remote, self._log, model, folder, cake), daemon=True)
        self._process.start()
        remote.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.close()  # between two calls, this ends it
        if error is not None:
            self._process.terminate()
        self._process.join(ENDING_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the player and wait for its result.

        Raises:
            EngineError: It failed, or its process ended.
        """
        try:
            self._pipe.send((method, arguments))
            result, failure = self._pipe.recv()
        except (EOFError, BrokenPipeError):
            self._process.join(ENDING_SECONDS)
            failure = f"its process ended with status {self._process.exitcode}"
        if failure is not None:
            tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-LOG_LINES:])
            raise EngineError(f"engine {self._name}, {method}: {failure}\nThe end of its log:\n{tail}")
        return result


def _serve(pipe: Connection, log: Path, model: Path, folder: Path, cake: bool) -> None:
    """Runs in the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    with log.open("w") as lines:
        os.dup2(lines.fileno(), 1)
        os.dup2(lines.fileno(), 2)
    from benchmarks.ttft.player import Player  # noqa: PLC0415 - imports vLLM, which takes seconds

    player = Player(model, folder, cake=cake)
    try:
        while True:
            method, arguments = pipe.recv()
            try:
                pipe.send((getattr(player, method)(*arguments), None))
            except Exception:
                pipe.send((None, traceback.format_exc()))
    except EOFError:
        pass
    finally:
        player.close()  # else its memory tier stays in /dev/shm
