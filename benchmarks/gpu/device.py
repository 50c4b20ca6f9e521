"""What computes, and what copies beside it: a GPU with a stream for copies, or the processor with a thread for them.

Both do the same under the same names, so what is true of the harness on one path is true of it on the other, but for
what a stream does. A copy is in flight from `copy` on; nobody may reuse its memory before it is `done`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import torch
from torch import Tensor

from benchmarks.pages import machine


class Copy(Protocol):
    """A copy that was begun."""

    @property
    def done(self) -> bool:
        """Whether it is complete."""

    @property
    def seconds(self) -> float:
        """What it took, once it is done."""

    def wait(self) -> None:
        """Have the caller wait until it is done."""

    def before_compute(self) -> None:
        """Have what is computed from now on wait until it is done."""


class Mark(Protocol):
    """A moment of the device's work."""

    def wait(self) -> None:
        """Have the caller wait until the device has come to it."""

    def seconds_since(self, earlier: Any) -> float:
        """Seconds between two moments to which the device has come."""


class Device(Protocol):
    """Computes and copies at the same time.

    Attributes:
        place: Where torch puts tensors.
        dtype: Of weights and KV.
        name: In words.
    """

    place: torch.device
    dtype: torch.dtype
    name: str

    def host_rows(self, rows: int, size: int) -> Tensor:
        """Rows of bytes in CPU memory that copies may begin or end in."""

    def copy(self, work: Callable[[], object]) -> Copy:
        """Begin to copy; copies are done in the order in which they begin."""

    def mark(self) -> Mark:
        """The moment at which all compute that was asked for is done."""

    def free_bytes(self) -> int:
        """Memory that is left for tensors."""

    def close(self) -> None:
        """Wait for all that was begun, and end."""


class _ThreadCopy:
    def __init__(self, future: Future[float]) -> None:
        self._future = future

    @property
    def done(self) -> bool:
        return self._future.done()

    @property
    def seconds(self) -> float:
        return self._future.result()

    def wait(self) -> None:
        self._future.result()

    before_compute = wait
    """Compute is the caller's own here."""


class _ClockMark:
    def __init__(self) -> None:
        self.now = time.perf_counter()

    def wait(self) -> None:
        """What is computed here is done when the call returns."""

    def seconds_since(self, earlier: _ClockMark) -> float:
        return self.now - earlier.now


class Processor:
    """One thread computes, another copies."""

    def __init__(self) -> None:
        self.place = torch.device("cpu")
        self.dtype = torch.float32  # bfloat16 is emulated on most processors
        self.name = machine()
        self._copies = ThreadPoolExecutor(1, thread_name_prefix="copies")

    def host_rows(self, rows: int, size: int) -> Tensor:
        """Plain memory."""
        return torch.empty((rows, size), dtype=torch.uint8)

    def copy(self, work: Callable[[], object]) -> Copy:
        """In the thread, after the copies before it."""
        return _ThreadCopy(self._copies.submit(_timed, work))

    def mark(self) -> Mark:
        """Now: what was computed is done."""
        return _ClockMark()

    def free_bytes(self) -> int:
        """A gibibyte: tiny models want no more."""
        return 1 << 30

    def close(self) -> None:
        """Wait for the copies, and end their thread."""
        self._copies.shutdown()


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    with torch.inference_mode():
        work()
    return time.perf_counter() - began


class _StreamCopy:
    def __init__(self, began: torch.cuda.Event, ended: torch.cuda.Event) -> None:
        self._began, self._ended = began, ended

    @property
    def done(self) -> bool:
        return bool(self._ended.query())

    @property
    def seconds(self) -> float:
        return float(self._began.elapsed_time(self._ended)) / 1e3

    def wait(self) -> None:
        self._ended.synchronize()

    def before_compute(self) -> None:
        torch.cuda.current_stream().wait_event(self._ended)


class _EventMark:
    def __init__(self) -> None:
        self.event = torch.cuda.Event(enable_timing=True)
        self.event.record()

    def wait(self) -> None:
        self.event.synchronize()

    def seconds_since(self, earlier: _EventMark) -> float:
        return float(earlier.event.elapsed_time(self.event)) / 1e3


class Gpu:
    """The first GPU; its copies have a stream of their own."""

    def __init__(self) -> None:
        self.place = torch.device("cuda", 0)
        self.dtype = torch.bfloat16
        cuda = torch.version.cuda or "?"
        self.name = f"{torch.cuda.get_device_name(0)}, torch {torch.__version__}, CUDA {cuda}, {machine()}"
        self._stream = torch.cuda.Stream()

    def host_rows(self, rows: int, size: int) -> Tensor:
        """Pinned memory, which the copy engine reads by itself."""
        return torch.empty((rows, size), dtype=torch.uint8, pin_memory=True)

    def copy(self, work: Callable[[], object]) -> Copy:
        """On the stream, after the copies before it."""
        began, ended = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        with torch.inference_mode(), torch.cuda.stream(self._stream):
            began.record()
            work()
            ended.record()
        return _StreamCopy(began, ended)

    def mark(self) -> Mark:
        """An event after what was launched."""
        return _EventMark()

    def free_bytes(self) -> int:
        """Of the GPU."""
        torch.cuda.empty_cache()
        return torch.cuda.mem_get_info()[0]

    def close(self) -> None:
        """Wait for both streams."""
        torch.cuda.synchronize()


def open_device(kind: str = "auto") -> Device:
    """The device of a name: "cuda", "cpu", or "auto" for the first where there is one.

    Raises:
        ValueError: It is asked for and not there.
    """
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError("torch finds no GPU here: leave out --device, or write --device cpu")
    if kind == "cuda" or (kind == "auto" and torch.cuda.is_available()):
        return Gpu()
    torch.set_num_threads(1)  # of two cores one computes, and the other is for the loads
    return Processor()
