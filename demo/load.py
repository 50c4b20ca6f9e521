"""The load: `vllm bench serve`, vLLM's own benchmark, against a Service's URL on this machine."""

from __future__ import annotations

import json
import multiprocessing
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Self

from demo import bench_process

#: Of the load generator's log, in an error.
LAST_LINES = 15


@dataclass(frozen=True, slots=True)
class Streams:
    """What became of the requests of one run, in their order.

    Attributes:
        started: When the run began, in seconds since the epoch.
        ttfts: Seconds from sending a request to its first token, of those that were answered.
        texts: The generated texts; empty where a request failed.
        errors: Why a request failed; empty where it did not.
    """

    started: float
    ttfts: tuple[float, ...]
    texts: tuple[str, ...]
    errors: tuple[str, ...]

    @property
    def failed(self) -> list[str]:
        """The errors of the failed requests."""
        return [error for error in self.errors if error]

    @classmethod
    def read(cls, path: Path, started: float) -> Self:
        """Read the detailed result file of `vllm bench serve`."""
        result = json.loads(path.read_text())
        # A failed request has a TTFT of 0 in the file.
        ttfts = [ttft for ttft, error in zip(result["ttfts"], result["errors"], strict=True) if not error]
        return cls(started, tuple(ttfts), tuple(result["generated_texts"]), tuple(result["errors"]))


class LoadError(RuntimeError):
    """The load generator ended without a result that can be used."""


CONTEXT = multiprocessing.get_context("forkserver")


def begin_import() -> None:
    """Begin to import vLLM in the background, which takes seconds, so that the first run starts at once."""
    CONTEXT.set_forkserver_preload([bench_process.PRELOAD])
    CONTEXT.Process(target=time.time, daemon=True).start()  # it starts the fork server, which imports


class Playing:
    """A run in progress."""

    def __init__(self, process: ForkServerProcess, result: Path, log: Path) -> None:
        self._process, self._result, self._log = process, result, log
        self._started = time.time()
        process.start()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return not self._process.is_alive()

    def wait(self) -> Streams:
        """Wait for its end.

        Raises:
            LoadError: It ended without a result.
        """
        self._process.join()
        if self._process.exitcode != 0 or not self._result.is_file():
            said = self._log.read_text(errors="replace").strip().splitlines()[-LAST_LINES:]
            raise LoadError("\n".join([f"vllm bench serve ended with status {self._process.exitcode}:", *said]))
        return Streams.read(self._result, self._started)

    def stop(self) -> None:
        """End it without a result, if it still runs."""
        self._process.terminate()
        self._process.join()


class Bench:
    """Plays prompts against an OpenAI-compatible server.

    Every request has a connection of its own, so that a Service spreads them over the pods that are there now.
    """

    def __init__(self, url: str, model: str, tokenizer: Path, folder: Path) -> None:
        """Prepare.

        Args:
            url: The server.
            model: The name that it serves.
            tokenizer: Folder of the model's tokenizer.
            folder: Where prompts, results and the log are kept.
        """
        self._target = ["--base-url", url, "--model", model, "--tokenizer", str(tokenizer)]
        self._folder = folder
        self._runs: list[Playing] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for playing in self._runs:
            playing.stop()

    def start(
        self, prompts: Sequence[str], *, output_tokens: int, concurrency: int, per_second: float | None = None
    ) -> Playing:
        """Begin to stream the answers to ``prompts`` in their order.

        Args:
            prompts: Whole prompts, chat template included.
            output_tokens: Length of every answer.
            concurrency: How many are in flight at the most.
            per_second: At which rate they arrive; as fast as others end, if not set.
        """
        number = len(self._runs) + 1
        dataset, result = self._folder / f"prompts-{number}.jsonl", self._folder / f"result-{number}.json"
        lines = [json.dumps({"prompt": prompt, "output_tokens": output_tokens}) for prompt in prompts]
        dataset.write_text("\n".join(lines) + "\n")
        rate = [] if per_second is None else ["--request-rate", str(per_second)]
        data = custom_dataset(dataset, len(prompts))
        return self._launch([*data, *in_flight(concurrency), *rate, *kept(result)], result)

    def play(self, prompts: Sequence[str], *, output_tokens: int, concurrency: int) -> Streams:
        """Stream the answers to ``prompts`` and wait for them."""
        return self.start(prompts, output_tokens=output_tokens, concurrency=concurrency).wait()

    def random(self, *, tokens: int, requests: int, seed: int) -> Streams:
        """Send prompts of random tokens, one at a time, for one token each."""
        result = self._folder / f"result-{len(self._runs) + 1}.json"
        data = ["--dataset-name", "random", "--random-input-len", str(tokens), "--random-output-len", "1"]
        sizes = ["--num-prompts", str(requests), "--seed", str(seed)]
        return self._launch([*data, *sizes, *in_flight(1), *kept(result)], result).wait()

    def _launch(self, arguments: list[str], result: Path) -> Playing:
        log = self._folder / "bench.log"
        whole = [*FIXED, *self._target, *arguments]
        with log.open("a") as lines:
            lines.write(f"\n$ vllm bench serve {shlex.join(whole)}\n")
        process = CONTEXT.Process(target=bench_process.run, args=(whole, log), daemon=True)
        self._runs.append(playing := Playing(process, result, log))
        return playing


#: Streaming completions of finished prompts: the conversation is rendered here, with the model's own chat template.
FIXED = (
    *("--backend", "openai", "--endpoint", "/v1/completions"),
    *("--ready-check-timeout-sec", "0"),
    *("--header", "Connection=close"),
    *("--temperature", "0", "--ignore-eos"),
    *("--percentile-metrics", "ttft", "--metric-percentiles", "50,90"),
)


def custom_dataset(path: Path, prompts: int) -> list[str]:
    """Arguments that play a file's prompts as they are and in their order."""
    data = ["--dataset-name", "custom", "--dataset-path", str(path), "--skip-chat-template", "--disable-shuffle"]
    return [*data, "--num-prompts", str(prompts), "--custom-output-len", "-1"]


def in_flight(concurrency: int) -> list[str]:
    """Arguments that keep ``concurrency`` requests in flight."""
    return ["--max-concurrency", str(concurrency)]


def kept(result: Path) -> list[str]:
    """Arguments that write every request's figures to a file."""
    return [
        "--save-result",
        "--save-detailed",
        "--result-dir",
        str(result.parent),
        "--result-filename",
        result.name,
    ]
