"""Whatever stands at the address of Prometheus: no exception, no endless wait, a sentence."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cake_operator.observe.prometheus import Observer
from cake_operator.observe.sampling import Sampling, Watched
from cake_operator.observe.snapshot import NOTHING

WATCHED = [Watched("team-a", "chat")]
Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def body(text: str, status: int = 200) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text.encode())

    return answer


def cut_off(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b'{"status":')


def hang_up(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


def observe(url: str, timeout: float = 5.0) -> str:
    observer = Observer(url, Sampling(timeout=timedelta(seconds=timeout)))
    snapshot = observer.observe(WATCHED, datetime.now(UTC))
    assert snapshot.of("team-a", "chat") == NOTHING
    assert snapshot.error is not None
    return snapshot.error


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (body("no", 500), "refused a query: HTTP Status Code 500"),
        (body("no", 503), "refused a query"),
        (body('{"status":"error","error":"parse error"}', 400), "parse error"),
        (body("<html>a login page</html>"), "did not answer as Prometheus does"),
        (body(""), "did not answer as Prometheus does"),
        (body("[]"), "did not answer as Prometheus does"),
        (body('{"status":"success"}'), "did not answer as Prometheus does"),
        (body('{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}'), "did not answer as Prometheus"),
        (cut_off, "Prometheus at"),
        (hang_up, "cannot be reached"),
    ],
    ids=["500", "503", "400", "html", "empty", "list", "no data", "scalar", "cut off", "hang up"],
)
def test_a_bad_answer_is_an_error_in_the_snapshot(answer: Answer, says: str) -> None:
    with server(answer) as url:
        assert says in observe(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no such host", "ftp://127.0.0.1", "127.0.0.1:9090"])
def test_a_wrong_address_is_an_error_in_the_snapshot(url: str) -> None:
    assert "check the operator's prometheus.url" in observe(url)


def test_without_an_address_nothing_is_asked_and_the_sentence_says_what_to_set() -> None:
    assert observe("").startswith("No Prometheus is configured: set prometheus.url")


def test_a_prometheus_that_does_not_answer_is_given_up_in_time() -> None:
    closing = threading.Event()

    def say_nothing(_: BaseHTTPRequestHandler) -> None:
        closing.wait(60)

    with server(say_nothing) as url:
        error = observe(url, timeout=0.3)
        assert not closing.is_set()
        closing.set()
    assert "did not answer within 0.3 s" in error


def test_a_slow_prometheus_is_given_the_time_of_the_whole_set_once() -> None:
    asked = []
    closing = threading.Event()

    def slowly(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        # Given up by then, the answer goes nowhere.
        closing.wait(0.15)
        with suppress(BrokenPipeError):
            body('{"status":"success","data":{"resultType":"vector","result":[]}}')(request)

    with server(slowly) as url:
        assert "did not answer within 0.5 s" in observe(url, timeout=0.5)
    assert len(asked) < 6


def test_nothing_is_asked_twice_of_a_prometheus_that_refuses() -> None:
    asked = []

    def refuse(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        body("busy", 503)(request)

    with server(refuse) as url:
        observe(url)
    assert len(asked) == 1


def test_trouble_is_logged_once_and_its_end_too(caplog: pytest.LogCaptureFixture) -> None:
    healthy = threading.Event()

    def recover(request: BaseHTTPRequestHandler) -> None:
        reply = body('{"status":"success","data":{"result":[]}}') if healthy.is_set() else body("no", 500)
        reply(request)

    with server(recover) as url, caplog.at_level("INFO", "cake_operator.observe"):
        observer = Observer(url)
        for is_healthy in (False, False, True, True):
            if is_healthy:
                healthy.set()
            observer.observe(WATCHED, datetime.now(UTC))
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert caplog.records[1].message == "Prometheus answers again."
