"""`python -m benchmarks.claim`: two CakeDeployments on one slow claim of a real node, under settings in turns."""

from __future__ import annotations

import argparse
import datetime
import shlex
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.claim.contended import CLAIM, TIER, answers, on_the_claim, read_all
from benchmarks.claim.play import BUSY, IDLE, Asked, play
from benchmarks.claim.report import GOALS, Run, figures, page, write
from benchmarks.claim.settings import DEFAULT, OURS, SETTINGS
from benchmarks.goals import verdicts
from benchmarks.pages import machine
from demo import installation
from demo.fitting import fitted
from demo.prometheus import Recorded
from demo.served import Served, ready
from demo.server import Server
from tests.cluster.waiting import eventually
from tests.e2e.tiny import weights
from tests.localcluster import Cluster
from tests.localcluster.local import LocalCluster
from tests.localcluster.slow_volume import SlowVolume

NAMESPACE = "bench-claim"
SHORT = 0.8
"""Of the processor time that the file server takes where it has enough, it gets this part: the claim is contended."""
START_SECONDS, SETTLE_SECONDS = 600.0, 120.0


def main() -> int:
    """Run it; says which goals are missed, and does not fail for them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.claim", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each setting (3)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of a turn (60)")
    parser.add_argument("--output", type=Path, default=Path("docs/benchmarks"), help="folder (docs/benchmarks)")
    chosen = parser.parse_args()
    with Cluster.up() as cluster, ExitStack() as stack:
        fleets, slow = _started(cluster, stack)
        needed = _needed(fleets, slow, chosen.seconds)
        slow.throttle(SHORT * needed)
        asked, written = _played(fleets, chosen.rounds, chosen.seconds)
    run = Run(
        asked,
        written,
        fleets.turned,
        chosen.rounds,
        chosen.seconds,
        needed,
        SHORT,
        machine(),
        shlex.join(["python", "-m", "benchmarks.claim", *sys.argv[1:]]),
        datetime.datetime.now(datetime.UTC).date().isoformat(),
    )
    print(page(run))
    write(run, chosen.output)
    for line in verdicts(GOALS, figures(run)):
        print(line, file=sys.stderr)
    return 0


class Fleets:
    """The two, and what is recorded of them."""

    def __init__(self, served: dict[str, Served], servers: dict[str, Server], prometheus: str) -> None:
        self.served, self.servers = served, servers
        self.turned: list[str] = []
        self._busy = Recorded(prometheus, NAMESPACE, BUSY)

    def switch(self, setting: str) -> None:
        """Have both run with it."""
        generations = {name: one.patch({"balance": SETTINGS[setting]}) for name, one in self.served.items()}
        for name, generation in generations.items():
            self.served[name].settle(generation, SETTLE_SECONDS)

    def written(self) -> float:
        """Bytes that the busy one has written to the claim."""
        return self._busy.total("cake_tier_write_bytes_total", self._busy.scraped(time.time()), tier=TIER)

    def note_turns(self, since: dict[str, int]) -> None:
        """Remember what the tuner has done since the histories were so long."""
        for name, served in self.served.items():
            reasons = [
                one.resource.status.balance.reason or ""
                for one in served.history[since[name] :]
                if one.resource.status.balance is not None
            ]
            self.turned += [f"{name}: {said}" for said in dict.fromkeys(reasons) if "held to" in said or "cut" in said]

    def lengths(self) -> dict[str, int]:
        """Of the histories."""
        return {name: len(served.history) for name, served in self.served.items()}


def _started(cluster: LocalCluster, stack: ExitStack) -> tuple[Fleets, SlowVolume]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    resources = {name: on_the_claim(NAMESPACE, name, {}) for name in (BUSY, IDLE)}
    installation.install(cluster, NAMESPACE, *resources.values())
    folder.chmod(0o755)
    cluster.filled_claim(NAMESPACE, "models", weights(folder / "model"))
    slow = cluster.slow_claim(NAMESPACE, CLAIM, share=1.0)
    served = {name: stack.enter_context(Served(cluster, NAMESPACE, name)) for name in resources}
    cluster.apply(*(fitted(resource, cluster.engine(NAMESPACE)) for resource in resources.values()))
    for one in served.values():
        one.wait("Ready", ready, START_SECONDS)
    servers = {name: Server(cluster.reach(NAMESPACE, name)) for name in resources}
    for name, server in servers.items():
        eventually(partial(answers, server), f"the {name} one is reached")
    return Fleets(served, servers, cluster.reach(NAMESPACE, "prometheus")), slow


def _needed(fleets: Fleets, slow: SlowVolume, seconds: float) -> float:
    """Share of a processor that the file server takes under the default where it may take all of one."""
    fleets.switch(DEFAULT)
    read_all(fleets.servers[BUSY])
    eventually(lambda: fleets.written() > 0, "what is stored is on the claim")
    began, used = time.monotonic(), slow.used_seconds()
    play(DEFAULT, fleets.servers, seconds, settling=0)
    needed = (slow.used_seconds() - used) / (time.monotonic() - began)
    print(
        f"The file server takes {needed:.1%} of a processor, and gets {SHORT * needed:.1%}", file=sys.stderr, flush=True
    )
    return needed


def _played(fleets: Fleets, rounds: int, seconds: float) -> tuple[list[Asked], dict[str, float]]:
    asked: list[Asked] = []
    written: dict[str, float] = defaultdict(float)
    for number in range(rounds):
        for setting in list(SETTINGS)[:: -1 if number % 2 else 1]:  # what one leaves behind slows the next
            fleets.switch(setting)
            before, since = fleets.written(), fleets.lengths()
            found = play(setting, fleets.servers, seconds, settling=seconds / 4)
            asked += found
            written[setting] += fleets.written() - before
            if setting == OURS:
                fleets.note_turns(since)
            print(f"{setting}, turn {number + 1}: {len(found)} requests", file=sys.stderr, flush=True)
    return asked, written


if __name__ == "__main__":
    sys.exit(main())
