"""A real Prometheus on a free loopback port, scraping every second; it ends with the block."""

import json
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.localcluster import ports
from tests.localcluster.debian import program

READY_WITHIN = 120.0
"""Seconds in which a new Prometheus must answer."""


class PrometheusServer:
    """A Prometheus that this test run started."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.url = url
        self._process = process

    def kill(self) -> None:
        """End it at once, as the kernel does when memory runs out."""
        self._process.kill()
        self._process.wait()


@contextmanager
def prometheus(jobs: Sequence[dict[str, Any]], groups: Sequence[dict[str, Any]] = ()) -> Iterator[PrometheusServer]:
    """Start one with these scrape jobs and rule groups, and wait until it answers."""
    with tempfile.TemporaryDirectory(prefix="cake-prometheus-") as folder:
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "900ms"},
            "scrape_configs": list(jobs),
            "rule_files": ["rules.yml"],
        }
        # JSON is YAML.
        Path(folder, "prometheus.yml").write_text(json.dumps(config))
        Path(folder, "rules.yml").write_text(json.dumps({"groups": list(groups)}))
        port = ports.any_free()
        log = Path(folder, "log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    str(program("prometheus")),
                    f"--config.file={folder}/prometheus.yml",
                    f"--storage.tsdb.path={folder}/data",
                    f"--web.listen-address=127.0.0.1:{port}",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                url = f"http://127.0.0.1:{port}"
                _await_ready(process, url, log)
                yield PrometheusServer(process, url)
            finally:
                process.terminate()
                process.wait()


def _await_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"Prometheus does not answer:\n{log.read_text()[-2000:]}")
