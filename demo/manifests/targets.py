"""Tells Prometheus of the engines' pods (`http_sd_configs`): runs beside it, with nothing but Python's own library.

Debian's Prometheus, which the local cluster runs, is built without `kubernetes_sd_configs`. Elsewhere use those, or the
chart's PodMonitor: they need no such program, and give the same labels.
"""

import json
import ssl
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

PORT = 9099
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PODS = "https://kubernetes.default.svc/api/v1/namespaces/{namespace}/pods?labelSelector=cake.dev/deployment"
TIMEOUT_SECONDS = 5


def running_pods() -> list[dict[str, Any]]:
    """The engines' pods of this namespace that have an address and have not ended."""
    address = PODS.format(namespace=(ACCOUNT / "namespace").read_text())
    # Read anew each time: the kubelet renews the token.
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"})
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=context) as answer:
        pods = json.load(answer)["items"]
    ended = ("Succeeded", "Failed")
    return [pod for pod in pods if pod["status"].get("podIP") and pod["status"]["phase"] not in ended]


def target(pod: dict[str, Any]) -> dict[str, Any]:
    """One pod with the labels that the operator asks for."""
    metadata = pod["metadata"]
    labels = {"namespace": metadata["namespace"], "pod": metadata["name"]}
    labels["cake_dev_deployment"] = metadata["labels"]["cake.dev/deployment"]
    return {"targets": [f"{pod['status']['podIP']}:8000"], "labels": labels}


class Targets(BaseHTTPRequestHandler):
    """Answers every GET with the present targets; Prometheus keeps the last ones when that fails."""

    def do_GET(self) -> None:
        """Send them."""
        body = json.dumps([target(pod) for pod in running_pods()]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_: object) -> None:
        """Every few seconds the same line would help nobody."""


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", PORT), Targets).serve_forever()
