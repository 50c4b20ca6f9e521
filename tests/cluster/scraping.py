"""A Prometheus that is there before the pods that it scrapes."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.cakes import READY, Cake
from tests.cluster.engine_metrics import Engine, Pod, exporter
from tests.cluster.prometheus_server import prometheus


@dataclass(frozen=True)
class Scraping:
    """A running Prometheus.

    Attributes:
        variables: What tells an operator of it.
        targets: The file that says what it scrapes.
    """

    variables: Mapping[str, str]
    targets: Path

    @contextmanager
    def of(self, cake: Cake, moments: Mapping[str, Callable[[Engine], None]]) -> Iterator[None]:
        """Let these pods be ready, and be engines that do this at each scrape, for the block."""
        for name in moments:
            cake.become(name, READY)
        pods = [Pod(cake.namespace, "chat", name, moment=moment) for name, moment in moments.items()]
        with exporter(pods) as address:
            self.targets.write_text(json.dumps([pod.target(address) for pod in pods]))
            yield


@contextmanager
def scraping(folder: Path) -> Iterator[Scraping]:
    """A Prometheus that scrapes nothing yet; its targets are read anew when their file changes."""
    targets = folder / "targets.json"
    targets.write_text("[]")
    found = {"files": [str(targets)], "refresh_interval": "1s"}
    with prometheus([{"job_name": "engines", "file_sd_configs": [found]}]) as server:
        variables = {"CAKE_PROMETHEUS_URL": server.url, "CAKE_SCRAPE_INTERVAL_SECONDS": "1"}
        yield Scraping(variables, targets)
