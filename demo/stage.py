"""What every stage of the demo works with."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from dataclasses import dataclass, field

from rich.console import Console

from demo.conversations import ChatFormat
from demo.load import Bench
from demo.measure import Counts
from demo.prometheus import Recorded
from demo.served import Served

NAMESPACE = "cake-demo"
NAME = "chat"
SERVICE_URL = "http://127.0.0.1:30800"
SHARED_TIER = "shared"
RESET_TIMEOUT_SECONDS = 30.0
REQUEST_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Moment:
    """When something began, for the report."""

    at: float
    what: str


@dataclass
class Stage:
    """The deployment, the load, the metrics, and the words to the user.

    Attributes:
        served: The CakeDeployment.
        bench: The load generator.
        recorded: Its metrics in Prometheus.
        form: The model's tokenizer and chat template.
        console: Where progress is told.
        url: The Service on this machine.
        moments: What began when.
    """

    served: Served
    bench: Bench
    recorded: Recorded
    form: ChatFormat
    console: Console
    url: str = SERVICE_URL
    moments: list[Moment] = field(default_factory=list)

    def say(self, what: str) -> None:
        """Begin something: print it, and keep the moment for the report."""
        self.moments.append(Moment(time.time(), what))
        first = self.moments[0].at
        self.console.print(f"[bold]{time.time() - first:4.0f} s[/bold]  {what}", highlight=False, soft_wrap=True)

    def detail(self, what: str) -> None:
        """Print more of what was begun."""
        self.console.print(f"        {what}", highlight=False, style="dim", soft_wrap=True)

    def counts(self) -> Counts:
        """Return the counters as they are now: what the pods did until now is in them."""
        at = self.recorded.scraped(time.time())
        points = (
            self.recorded.total("cake_meeting_point_ratio_count", at, kind="actual"),
            self.recorded.total("cake_meeting_point_ratio_sum", at, kind="actual"),
        )
        tokens = self.recorded.totals("cake_prefix_tokens_total", "outcome", at)
        return Counts(tokens, points, self.recorded.total("vllm:prefix_cache_hits_total", at))

    def empty_local_caches(self) -> None:
        """Make the pod forget every KV block but those on the shared tier: on its device and in its memory tier.

        For one replica only: the request goes to whichever pod the Service picks.

        Raises:
            TimeoutError: The pod kept holding blocks.
        """
        deadline = time.monotonic() + RESET_TIMEOUT_SECONDS
        address = f"{self.url}/reset_prefix_cache?reset_external=true"
        while time.monotonic() < deadline:
            request = urllib.request.Request(address, method="POST")
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_SECONDS) as answer:
                body = answer.read()
            if not body or json.loads(body).get("success", True):
                return
            threading.Event().wait(0.5)  # blocks of the last request are still being stored
        raise TimeoutError(f"the pod's caches were not empty within {RESET_TIMEOUT_SECONDS:.0f} s")
