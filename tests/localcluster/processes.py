"""The processes of one cluster: started with a mark in their environment, so that they are found after any crash."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from tests.localcluster.errors import LocalClusterError

# Children inherit it (containerd's shims do, containers do not), and nobody else has it: no pid file can go stale.
MARK = "CAKE_LOCAL_CLUSTER"


class Processes:
    """Starts programs for the cluster in ``folder``, watches them, and keeps their logs in ``folder/logs``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, tuple[Sequence[str | Path], Mapping[str, str] | None]] = {}
        self.logs = folder / "logs"
        self.logs.mkdir(exist_ok=True)

    def start(
        self, name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start one program of its own session (a terminal's Ctrl-C is not for it); its output goes to its log."""
        self._commands[name] = command, environment
        marked = {**os.environ, **(environment or {}), MARK: str(self._folder)}
        with (self.logs / f"{name}.log").open("ab") as log:
            self._started[name] = subprocess.Popen(
                command,
                cwd=self._folder,
                env=marked,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self._started[name]

    def wait_until(self, what: str, reached: Callable[[], bool], seconds: float) -> None:
        """Wait until ``reached()``.

        Raises:
            LocalClusterError: a program ended meanwhile, or it took longer than ``seconds``; with the log's last words.
        """
        deadline = time.monotonic() + seconds
        while not reached():
            for name, process in self._started.items():
                if process.poll() is not None:
                    raise LocalClusterError(
                        f"{name} ended with exit status {process.returncode} while waiting until {what}. "
                        f"{self._last_words(name)}"
                    )
            if time.monotonic() > deadline:
                raise LocalClusterError(
                    f"It took more than {seconds:.0f} s until {what}; the logs are in {self.logs}. "
                    f"{self._last_words(next(reversed(self._started)))}"
                )
            time.sleep(0.05)

    def restart(self, name: str) -> subprocess.Popen[bytes]:
        """End a program and start it again as before."""
        command, environment = self._commands[name]
        process = psutil.Process(self._started[name].pid)
        end([*process.children(recursive=True), process], grace=5)
        return self.start(name, command, environment)

    def reap(self) -> None:
        """Take the exit statuses of programs that have been ended."""
        for process in self._started.values():
            process.wait()

    def _last_words(self, name: str) -> str:
        log = self.logs / f"{name}.log"
        lines = log.read_text(errors="replace").strip().splitlines()[-5:]
        return f"{log} says:\n" + "\n".join(f"  {line[:400]}" for line in lines)


def marked(folder: Path | None = None, name: str | None = None) -> list[psutil.Process]:
    """Every living process that was started for a cluster, by whichever launcher.

    Args:
        folder: the cluster's folder; None for any cluster of the machine.
        name: what the program is called; None for any.
    """
    found = []
    for process in psutil.process_iter():
        try:
            mark = process.environ().get(MARK)
            is_of_cluster = mark is not None if folder is None else mark == str(folder)
            if is_of_cluster and name in {None, process.name()} and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            # It ended meanwhile, or it belongs to another user and so is not ours.
            continue
    return found


def resident_bytes(processes: Sequence[psutil.Process]) -> int:
    """The memory that they hold together; those that have ended hold none."""
    held = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            held += process.memory_info().rss
    return held


def end(processes: Sequence[psutil.Process], grace: float = 0.0) -> None:
    """End processes and wait until they are gone.

    Args:
        processes: which ones; some may be gone already.
        grace: seconds for them to end by themselves (SIGTERM) before they are killed.
    """
    if grace > 0:
        for process in processes:
            _signal(process, psutil.Process.terminate)
        _, processes = psutil.wait_procs(processes, timeout=grace)
    for process in processes:
        _signal(process, psutil.Process.kill)
    _, alive = psutil.wait_procs(processes, timeout=30)
    if alive:
        raise LocalClusterError(f"Processes {[process.pid for process in alive]} did not end when they were killed.")


def _signal(process: psutil.Process, send: Callable[[psutil.Process], None]) -> None:
    with suppress(psutil.NoSuchProcess):
        send(process)
