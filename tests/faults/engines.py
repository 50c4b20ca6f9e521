"""The engines of measured subjects: pods that are ready, and a real Prometheus that scrapes what stands in for them."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cake_operator.apply.kinds import PODS
from tests.cluster.cakes import READY
from tests.cluster.engine_metrics import Engine, Pod, exporter, serve_requests, stand_idle
from tests.cluster.prometheus_server import PrometheusServer, prometheus
from tests.faults.subject import Subject

MISSED_SECONDS = 4.0
"""To the first token: the objective is one second."""
MISSED_WAITING = 9
"""Requests at each engine, of four a scrape: they are late because they wait, and a replica helps."""


@dataclass
class Engines:
    """The engines of one subject.

    Attributes:
        pods: Those that are scraped.
        idle: Whether nobody asks them anything; else they are late with every answer.
    """

    pods: list[Pod] = field(default_factory=list)
    idle: bool = True

    def moment(self, engine: Engine) -> None:
        """What an engine does at each scrape."""
        if self.idle:
            stand_idle(engine)
        else:
            serve_requests(engine, ttft=MISSED_SECONDS, waiting=MISSED_WAITING)
        engine.generation.set(1)  # nobody turns a knob of theirs


class Scraper:
    """A Prometheus that scrapes the engines of all subjects.

    Attributes:
        url: Its address.
    """

    def __init__(self, server: PrometheusServer, folder: Path) -> None:
        self.url = server.url
        self._folder = folder

    @asynccontextmanager
    async def engines(self, subject: Subject) -> AsyncIterator[Engines]:
        """Let the pods of a subject be ready, and be engines that are scraped, for the block."""
        made = Engines()
        for name in await subject.pods():
            await subject.administrator.patch(f"{PODS.path(subject.namespace, name)}/status", {"status": READY})
            made.pods.append(Pod(subject.namespace, subject.name, name, moment=made.moment))
        targets = self._folder / f"{subject.namespace}-{subject.name}.json"
        with exporter(made.pods) as address:
            # Never half of it: Prometheus may look at any moment.
            half = targets.with_suffix(".half")
            half.write_text(json.dumps([pod.target(address) for pod in made.pods]))
            half.rename(targets)
            try:
                yield made
            finally:
                targets.unlink()


@contextmanager
def scraper(folder: Path) -> Iterator[Scraper]:
    """A Prometheus that scrapes nothing yet."""
    found = {"files": [f"{folder}/*.json"], "refresh_interval": "1s"}
    with prometheus([{"job_name": "engines", "file_sd_configs": [found]}]) as server:
        yield Scraper(server, folder)
