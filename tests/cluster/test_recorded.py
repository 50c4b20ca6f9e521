"""What the demo reads from a real Prometheus: figures of a moment at which there are any."""

import time
from collections.abc import Iterator

import pytest

from demo.prometheus import Recorded
from tests.cluster.engine_metrics import Pod, exporter
from tests.cluster.prometheus_server import prometheus
from tests.cluster.waiting import eventually


@pytest.fixture
def pods() -> list[Pod]:
    return [Pod("team", "chat", name) for name in ("one", "two")]


@pytest.fixture
def recorded(pods: list[Pod]) -> Iterator[Recorded]:
    with exporter(pods) as address:
        job = {"job_name": "engines", "static_configs": [pod.target(address) for pod in pods]}
        with prometheus([job]) as server:
            yield Recorded(server.url, "team", "chat")


def test_a_moment_is_not_taken_for_measured_while_the_scrape_of_a_pod_fails(
    pods: list[Pod], recorded: Recorded
) -> None:
    before = recorded.total("vllm:prompt_tokens_total", recorded.scraped(time.time()))
    assert before > 0
    pods[0].answers.clear()
    # On a machine that stands still the scrape of the other may fail as well: this one's is what stays in vain.
    eventually(lambda: recorded.totals("up", "pod", time.time()).get("one") == 0, "the scrape of one has failed")
    with pytest.raises(TimeoutError, match="the last scrape of one failed"):
        recorded.scraped(0.0, timeout=2.0)
    pods[0].answers.set()
    assert recorded.total("vllm:prompt_tokens_total", recorded.scraped(time.time())) > before
