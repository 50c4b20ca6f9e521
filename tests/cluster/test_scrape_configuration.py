"""The scrape configuration of docs/how-to/prometheus.md, in a real Prometheus, on pods as discovery tells of them."""

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.prometheus_server import prometheus
from tests.cluster.waiting import eventually

PAGE = Path(__file__).parents[2] / "docs/how-to/prometheus.md"
ENGINE = {
    "__address__": "127.0.0.1:1",
    "__meta_kubernetes_namespace": "team-a",
    "__meta_kubernetes_pod_name": "chat-1",
    "__meta_kubernetes_pod_phase": "Running",
    "__meta_kubernetes_pod_container_port_name": "http",
    "__meta_kubernetes_pod_label_cake_dev_deployment": "chat",
}


def documented_job() -> dict[str, Any]:
    """The job of the page."""
    (text,) = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    (job,) = yaml.safe_load(text)["scrape_configs"]
    return dict(job)


@pytest.fixture(scope="module")
def documented() -> dict[str, Any]:
    return documented_job()


def scraped(job: dict[str, Any], pods: list[dict[str, str]]) -> dict[str, dict[str, Any]]:
    """What is scraped when discovery tells of these pods, by the pod's name: address and labels."""
    # Debian's Prometheus is built without the discovery itself; its labels can be given to it all the same.
    static = [{"targets": [pod["__address__"]], "labels": pod} for pod in pods]
    rules = {name: value for name, value in job.items() if name != "kubernetes_sd_configs"}
    with prometheus([rules | {"static_configs": static, "scrape_timeout": "1s"}]) as server:
        found = discovered(server.url, len(pods))
    return {target["labels"]["pod"]: target for target in found["activeTargets"]}


def discovered(url: str, number: int) -> dict[str, Any]:
    """What Prometheus made of its targets, once it knows all of them: it hands them over every five seconds."""

    def known() -> dict[str, Any]:
        with urllib.request.urlopen(f"{url}/api/v1/targets") as answer:
            found: dict[str, Any] = json.load(answer)["data"]
        assert len(found["activeTargets"]) + len(found["droppedTargets"]) >= number, found
        return found

    return eventually(known, f"Prometheus knows of {number} targets")


def test_an_engine_pod_is_scraped_as_it_speaks_with_the_labels_that_the_operator_asks_for(
    documented: dict[str, Any],
) -> None:
    assert documented["kubernetes_sd_configs"] == [{"role": "pod"}]
    secure = ENGINE | {
        "__meta_kubernetes_pod_name": "secure",
        "__meta_kubernetes_pod_annotation_prometheus_io_scheme": "https",
    }
    found = scraped(documented, [ENGINE, secure])
    labels = {"namespace": "team-a", "pod": "chat-1", "cake_dev_deployment": "chat"}
    assert found["chat-1"]["labels"].items() >= labels.items()
    addresses = {pod: target["scrapeUrl"] for pod, target in found.items()}
    assert addresses == {"chat-1": "http://127.0.0.1:1/metrics", "secure": "https://127.0.0.1:1/metrics"}


def test_other_pods_ports_and_pods_that_ended_are_not_scraped(documented: dict[str, Any]) -> None:
    others = [
        {name: value for name, value in ENGINE.items() if not name.endswith("cake_dev_deployment")},
        ENGINE | {"__meta_kubernetes_pod_container_port_name": "debug"},
        ENGINE | {"__meta_kubernetes_pod_phase": "Succeeded"},
    ]
    kept = ENGINE | {"__meta_kubernetes_pod_name": "kept"}
    assert list(scraped(documented, [*others, kept])) == ["kept"]
