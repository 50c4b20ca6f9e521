"""The operator as users run it: a process that is told of its cluster by a kubeconfig."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Self

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.cluster.waiting import eventually
from tests.localcluster import ports

# Port 9 (discard) of loopback answers nobody: Prometheus is down, and everything but scaling and tuning goes on.
NO_PROMETHEUS = "http://127.0.0.1:9"


class OperatorProcess:
    """One operator, started on entry and ended on exit.

    Attributes:
        log: The file that it logs to.
    """

    def __init__(self, kubeconfig: Path, log: Path, **environment: str) -> None:
        self.log = log
        self._port = ports.any_free()
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "CAKE_ENGINE_IMAGE": "localhost/cake-engine:dev",
            "CAKE_PROMETHEUS_URL": NO_PROMETHEUS,
            "CAKE_INTERVAL_SECONDS": "1",
            "CAKE_LIVENESS_PORT": str(self._port),
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self.stop()

    def start(self) -> None:
        """Start it and wait until it works."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "cake_operator.main"]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        eventually(lambda: self._running() and self.rounds() > 0, "the operator looks at the cluster")

    def stop(self) -> int:
        """End it as Kubernetes does; returns its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout=120)
        finally:
            self._process.kill()
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End it as the kernel does, without a word."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def wait(self) -> int:
        """Wait until it ends by itself; returns its exit status."""
        assert self._process is not None
        return self._process.wait(timeout=120)

    def freeze(self) -> None:
        """Stop its time."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let its time go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process is not None
        return self._process.pid

    def health(self) -> int:
        """The HTTP status of /healthz."""
        return _get(f"http://127.0.0.1:{self._port}/healthz")[0]

    def rounds(self) -> float:
        """How many times it has looked at everything."""
        return self.figure("cake_operator_observe_seconds_count")

    def writes(self) -> float:
        """How many objects it has written, of any kind."""
        return self.figure("cake_operator_writes_total")

    def figure(self, name: str) -> float:
        """The sum of one of its metrics over all labels; 0 before it serves any."""
        try:
            families = self.families(name)
        except urllib.error.URLError as error:
            if isinstance(error.reason, ConnectionRefusedError):
                return 0.0
            raise  # a machine that is slow to answer has figures all the same
        return sum(sample.value for family in families for sample in family.samples if sample.name == name)

    def families(self, *names: str) -> list[Metric]:
        """Its metrics of these names, or all of them; raises URLError before it serves any."""
        query = urllib.parse.urlencode([("name[]", name) for name in names])
        _, text = _get(f"http://127.0.0.1:{self._port}/metrics?{query}")
        return list(text_string_to_metric_families(text))

    def settle(self) -> None:
        """Wait until it has looked at everything twice more, and has nothing left to do."""
        until = self.rounds() + 2
        eventually(lambda: self.rounds() >= until, "two rounds pass")
        eventually(lambda: self.figure("cake_operator_queue_depth") == 0, "the queue is empty")

    def _running(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"the operator ended with status {self._process.returncode}:\n{self.log.read_text()}")
        return True


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=120) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
