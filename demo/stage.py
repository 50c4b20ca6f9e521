"""What every stage of the demo works with."""

from __future__ import annotations

import time
from dataclasses import dataclass

from demo.conversations import ChatFormat
from demo.load import Bench
from demo.measure import Counts
from demo.narration import Narration
from demo.prometheus import Recorded
from demo.served import Served
from demo.server import Server

NAMESPACE = "cake-demo"
NAME = "chat"
SHARED_TIER = "shared"


@dataclass
class Stage:
    """The deployment, the load, the metrics, and the words to the user.

    Attributes:
        narration: The words.
        served: The CakeDeployment.
        server: Its Service.
        bench: The load generator.
        recorded: Its metrics in Prometheus.
        form: The model's tokenizer and chat template.
    """

    narration: Narration
    served: Served
    server: Server
    bench: Bench
    recorded: Recorded
    form: ChatFormat

    def say(self, what: str) -> None:
        """Begin something, and say so."""
        self.narration.say(what)

    def detail(self, what: str) -> None:
        """Say more of what was begun."""
        self.narration.detail(what)

    def counts(self) -> Counts:
        """Return the counters as they are now: what the pods did until now is in them."""
        at = self.recorded.scraped(time.time())
        points = (
            self.recorded.total("cake_meeting_point_ratio_count", at, kind="actual"),
            self.recorded.total("cake_meeting_point_ratio_sum", at, kind="actual"),
        )
        tokens = self.recorded.totals("cake_prefix_tokens_total", "outcome", at)
        return Counts(tokens, points, self.recorded.total("vllm:prefix_cache_hits_total", at))
