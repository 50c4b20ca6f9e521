"""The span that a request's stored prefix leaves behind, as a collector receives it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.engine.conftest import PROMPT
from tests.engine.serving import Server, write_config

PARENT = "0af7651916cd43dd8448eb211c80319c"


@dataclass
class Collector:
    """An OTLP collector on loopback that keeps what it gets."""

    spans: list[Span] = field(default_factory=list)

    def serve(self) -> ThreadingHTTPServer:
        spans = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    spans.extend(span for scope in resource.scope_spans for span in scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                pass

        return ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def take(self) -> dict[str, object]:
        """Attributes of the last Cake span that has come since the last call: a request may be planned anew."""
        trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined] # of the SDK's provider
        told = [span for span in self.spans if span.name == "cake_prefix"]
        self.spans.clear()
        assert told
        assert {span.trace_id.hex() for span in told} == {PARENT}
        assert told[-1].end_time_unix_nano > told[-1].start_time_unix_nano
        return {a.key: getattr(a.value, str(a.value.WhichOneof("value"))) for a in told[-1].attributes}


@pytest.fixture(scope="module")
def collector() -> Iterator[tuple[Collector, str]]:
    collector = Collector()
    http = collector.serve()
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield collector, f"http://127.0.0.1:{http.server_port}/v1/traces"
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture(scope="module")
def traced(collector: tuple[Collector, str], model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")
        # vLLM writes it for its child processes; this way it is gone after the test.
        environment.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collector[1])
        server = Server(
            model,
            cake_config=write_config(tmp_path_factory.mktemp("spans")),
            otlp_traces_endpoint=collector[1],
            disable_log_stats=False,
        )
        server.tokens([PROMPT])
        server.settle()
        yield server
        server.close()


def story(server: Server, collector: Collector, **live: object) -> dict[str, object]:
    server.tune(**live)
    server.forget()
    collector.spans.clear()
    server.llm.llm_engine.add_request(
        "told",
        {"prompt_token_ids": PROMPT},
        server.parameters(2),
        trace_headers={"traceparent": f"00-{PARENT}-b7ad6b7169203331-01"},
    )
    server.finish()
    return collector.take()


def test_the_span_says_how_the_prefix_was_filled_and_from_where(
    traced: Server, collector: tuple[Collector, str]
) -> None:
    told = story(traced, collector[0], mode="Static", staticMeetingPoint=0.5)
    chunk_bytes = traced.cake.chunk_bytes
    assert told["cake.mode"] == "Static"
    assert told["cake.prefix.tokens"] == 1984
    assert (told["cake.prefix.computed_tokens"], told["cake.prefix.loaded_tokens"]) == (992, 992)
    assert told["cake.tier.shared.loaded_bytes"] == 31 * chunk_bytes
    assert told["cake.meeting_point.actual"] == 0.5


def test_a_request_that_could_only_wait_says_for_how_long(traced: Server, collector: tuple[Collector, str]) -> None:
    slow = {"loadBandwidthBytesPerSecond": {"shared": 40 * traced.cake.chunk_bytes}}
    told = story(traced, collector[0], mode="Static", staticMeetingPoint=0.1, **slow)
    assert told["cake.prefix.loaded_tokens"] == 56 * 32
    assert 0.1 < told["cake.stall_seconds"] < 20  # type: ignore[operator] # a double in the span


def test_the_prediction_stands_beside_what_came(traced: Server, collector: tuple[Collector, str]) -> None:
    told = story(traced, collector[0], mode="Adaptive")
    assert 0 <= told["cake.meeting_point.predicted"] <= 1  # type: ignore[operator] # a double in the span
    assert told["cake.prefix.computed_tokens"] + told["cake.prefix.loaded_tokens"] == 1984  # type: ignore[operator]


def test_a_prompt_without_a_stored_prefix_has_no_span(traced: Server, collector: tuple[Collector, str]) -> None:
    collector[0].spans.clear()
    traced.tokens([list(range(3, 60))])
    trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined] # of the SDK's provider
    assert [span.name for span in collector[0].spans if span.name == "cake_prefix"] == []
