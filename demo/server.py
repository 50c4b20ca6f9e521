"""The served model's HTTP API, as far as the demo and the tests use it beside the load generator."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from typing import Any

REQUEST_TIMEOUT_SECONDS = 120.0
FORGET_TIMEOUT_SECONDS = 30.0


class Server:
    """One Service."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._waiting = threading.Event()  # never set: a pause that Ctrl-C ends

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send JSON and return the JSON that answers, on a connection of its own.

        Raises:
            OSError: No answer, or one that says no.
        """
        headers = {"Content-Type": "application/json", "Connection": "close"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_SECONDS) as answer:
            text = answer.read()
        return dict(json.loads(text)) if text else {}

    def forget(self) -> None:
        """Make the pod forget every KV block but those on shared tiers: on its device and in its memory tier.

        For one replica only: the request goes to whichever pod the Service picks. It takes VLLM_SERVER_DEV_MODE=1.

        Raises:
            TimeoutError: The pod kept holding blocks.
        """
        deadline = time.monotonic() + FORGET_TIMEOUT_SECONDS
        while not self.post("/reset_prefix_cache?reset_external=true", {}).get("success", True):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the pod's caches were not empty within {FORGET_TIMEOUT_SECONDS:.0f} s")
            self._waiting.wait(0.5)  # blocks of the last request are still being stored
