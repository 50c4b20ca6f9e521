"""Tells Prometheus of pods (`http_sd_configs`): runs beside it, with nothing but Python's own library.

`/engines` are the engines' pods of this namespace, `/operator` those of the operator in $OPERATOR_NAMESPACE.

Debian's Prometheus, which the local cluster runs, is built without `kubernetes_sd_configs`. Elsewhere use those, or the
chart's PodMonitors: they need no such program, and give the same labels.
"""

import json
import os
import ssl
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

PORT = 9099
ENGINE_PORT, OPERATOR_PORT = 8000, 8080
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PODS = "https://kubernetes.default.svc/api/v1/namespaces/{namespace}/pods?labelSelector={labels}"
TIMEOUT_SECONDS = 5


def engines() -> list[dict[str, Any]]:
    """The engines' pods, with the labels that the operator asks for."""
    found = []
    for pod in running_pods((ACCOUNT / "namespace").read_text(), "cake.dev/deployment"):
        owner = {"cake_dev_deployment": pod["metadata"]["labels"]["cake.dev/deployment"]}
        found.append(target(pod, ENGINE_PORT, owner))
    return found


def operators() -> list[dict[str, Any]]:
    """The operator's pods."""
    pods = running_pods(os.environ["OPERATOR_NAMESPACE"], "app.kubernetes.io/name=cake-operator")
    return [target(pod, OPERATOR_PORT, {}) for pod in pods]


def running_pods(namespace: str, labels: str) -> list[dict[str, Any]]:
    """The pods that have an address and have not ended."""
    address = PODS.format(namespace=namespace, labels=labels)
    # Read anew each time: the kubelet renews the token.
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"})
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=context) as answer:
        pods = json.load(answer)["items"]
    ended = ("Succeeded", "Failed")
    return [pod for pod in pods if pod["status"].get("podIP") and pod["status"]["phase"] not in ended]


def target(pod: dict[str, Any], port: int, more: dict[str, str]) -> dict[str, Any]:
    """One pod as Prometheus scrapes it."""
    labels = {"namespace": pod["metadata"]["namespace"], "pod": pod["metadata"]["name"], **more}
    return {"targets": [f"{pod['status']['podIP']}:{port}"], "labels": labels}


LISTS = {"/engines": engines, "/operator": operators}


class Targets(BaseHTTPRequestHandler):
    """Answers every GET with the present targets; Prometheus keeps the last ones when that fails."""

    def do_GET(self) -> None:
        """Send those of the path."""
        body = json.dumps(LISTS[self.path]()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_: object) -> None:
        """Every few seconds the same line would help nobody."""


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", PORT), Targets).serve_forever()
