"""Pods that look to Prometheus like engines: the metrics of vLLM and of Cake, one HTTP server for all of them.

Each scrape is a moment in the life of the engine: what it does then is counted right before it is read, so that rates
do not depend on the clock of the test.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

LABELS = {"model_name": "tiny", "engine": "0"}
TTFT_EDGES = (0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0)
ITL_EDGES = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3)
MEETING_EDGES = tuple(round(0.05 * edge, 2) for edge in range(1, 21))


class Engine:
    """The metrics of one engine, by the names of the contract."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.ttft = self._histogram("vllm:time_to_first_token_seconds", TTFT_EDGES)
        self.itl = self._histogram("vllm:inter_token_latency_seconds", ITL_EDGES)
        self.running = self._gauge("vllm:num_requests_running")
        self.waiting = self._gauge("vllm:num_requests_waiting")
        self.prompt_tokens = self._counter("vllm:prompt_tokens")
        self.generation_tokens = self._counter("vllm:generation_tokens")
        self.meeting_point = self._histogram("cake_meeting_point_ratio", MEETING_EDGES, "kind")
        self.read_bytes = self._counter("cake_tier_read_bytes", "tier")
        self.write_bytes = self._counter("cake_tier_write_bytes", "tier")
        self.write_skips = self._counter("cake_tier_write_skips", "tier", "reason")
        self.read_seconds = self._histogram("cake_tier_read_seconds", (0.001, 0.01, 0.1, 1.0), "tier")
        self.prefix_tokens = self._counter("cake_prefix_tokens", "outcome", "tier")
        self.offered_compute = self._counter("cake_offered_compute_seconds")
        self.spared_compute = self._counter("cake_spared_compute_seconds")
        self.decode_compute = self._counter("cake_decode_compute_seconds")
        self.offered_load = self._counter("cake_offered_load_bytes")
        self.generation = self._gauge("cake_config_generation")
        self.held = self._gauge("cake_held_requests")  # a gateway's: it stands here to have the labels of a deployment

    def _histogram(self, name: str, edges: tuple[float, ...], *more: str) -> Any:
        return self._engines(Histogram(name, name, [*LABELS, *more], buckets=edges, registry=self.registry), more)

    def _counter(self, name: str, *more: str) -> Any:
        return self._engines(Counter(name, name, [*LABELS, *more], registry=self.registry), more)

    def _gauge(self, name: str) -> Any:
        return self._engines(Gauge(name, name, [*LABELS], registry=self.registry), ())

    def _engines(self, metric: Any, more: tuple[str, ...]) -> Any:
        """The child for this engine; with more labels, a function from their values to it."""
        if not more:
            return metric.labels(*LABELS.values())
        return lambda *values: metric.labels(*LABELS.values(), *values)


def serve_requests(engine: Engine, ttft: float = 0.4, itl: float = 0.02, waiting: int = 1) -> None:
    """What a busy engine does between two scrapes."""
    for _ in range(4):
        engine.ttft.observe(ttft)
        engine.itl.observe(itl)
        engine.meeting_point("actual").observe(0.42)
        engine.meeting_point("chosen").observe(0.42)
        engine.meeting_point("predicted").observe(0.9)
        engine.read_seconds("shared").observe(0.01)
    engine.prompt_tokens.inc(800)
    engine.generation_tokens.inc(200)
    engine.running.set(3)
    engine.waiting.set(waiting)
    engine.held.set(1)
    engine.read_bytes("shared").inc(4000)
    engine.write_bytes("shared").inc(1000)
    engine.write_skips("shared", "no_space").inc(2)
    engine.write_skips("shared", "denied").inc(1)
    engine.write_skips("shared", "io_error").inc(2)
    engine.write_skips("shared", "stale").inc(1)
    engine.write_skips("shared", "capacity").inc(9)
    engine.prefix_tokens("computed", "").inc(50)
    engine.prefix_tokens("loaded", "memory").inc(20)
    engine.prefix_tokens("loaded", "shared").inc(30)
    engine.offered_compute.inc(0.5)
    engine.spared_compute.inc(0.3)
    engine.decode_compute.inc(0.1)
    engine.offered_load.inc(5000)
    engine.generation.set(3)


def stand_idle(engine: Engine) -> None:
    """What an engine without requests does."""
    engine.running.set(0)
    engine.waiting.set(0)
    engine.generation.set(3)


@dataclass
class Pod:
    """One pod to scrape.

    Attributes:
        moment: What the engine does at each scrape.
        answers: Cleared, it refuses to be scraped.
    """

    namespace: str
    deployment: str
    name: str
    moment: Callable[[Engine], None] = serve_requests
    engine: Engine = field(default_factory=Engine)
    answers: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.answers.set()

    @property
    def path(self) -> str:
        """Where its metrics are."""
        return f"/{self.namespace}/{self.name}/metrics"

    def target(self, address: str) -> dict[str, Any]:
        """The scrape target, with the labels that a PodMonitor gives."""
        labels = {"__metrics_path__": self.path, "namespace": self.namespace, "pod": self.name}
        if self.deployment:
            labels["cake_dev_deployment"] = self.deployment
        return {"targets": [address], "labels": labels}


@contextmanager
def exporter(pods: list[Pod]) -> Iterator[str]:
    """Serve the metrics of the pods; yields host:port."""
    by_path = {pod.path: pod for pod in pods}
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pod = by_path[self.path]
            if not pod.answers.is_set():
                self.send_error(503)
                return
            with one_at_a_time:
                pod.moment(pod.engine)
                body = generate_latest(pod.engine.registry)
            with suppress(ConnectionError):  # a scrape that was given up
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
