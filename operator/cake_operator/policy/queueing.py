"""Whether more replicas can shorten the time to the first token: they shorten waiting and crowding, and nothing else.

Little's law gives the mean wait: requests that wait on average, over requests per second. By Markov's inequality no
larger share of the requests than `wait / x` waits for longer than x. Let x be by how much a percentile is above its
target. Of the requests beyond that percentile, `1 - percentile` of all, whoever waited for less than x would miss the
target with nobody before them, too. So at most `wait / (x * (1 - percentile))` of them miss it for want of replicas.

Crowding is not seen in the queue: an engine takes what came during a step into the next one, and many prompts share
its tokens. A request that finds r others in execution has at most their prompts before it until the next step begins,
and as many that come meanwhile beside it: were all prompts alike, it takes at most 1 + 2r times as long as alone. So
that is taken off first; beside requests that only generate it is far too much, and on the side of more replicas.
"""

from dataclasses import dataclass

from cake_operator.observe.snapshot import DeploymentSnapshot
from cake_operator.policy.pressure import Latency, Pressure, seconds

OWED = 0.5
"""Share of those beyond the percentile that may owe it to waiting, and replicas still do not help. Markov's inequality
gives far more than any queue does: of waits that fall off exponentially, at this bound and p90, one in 10^8 is so long.
"""


@dataclass(frozen=True, slots=True)
class Unhelped:
    """A latency that is above its target whatever the number of replicas.

    Attributes:
        pressure: The latency beside its target.
        wait: Seconds that a request waits in an engine's queue, on average.
    """

    pressure: Pressure
    wait: float

    def __str__(self) -> str:
        return (
            f"{self.pressure} with a wait of {seconds(self.wait)} on average: more replicas do not shorten it, and the"
            " target asks for shorter prompts, a faster tier or accelerator, a lower percentile or a higher target"
        )


def unhelped(pressure: Pressure, snapshot: DeploymentSnapshot, ready: int) -> Unhelped | None:
    """The latency, where it is missed for another reason than that requests wait.

    Args:
        pressure: A latency beside its target.
        snapshot: What was measured with it.
        ready: Pods that take requests.

    Returns:
        None where replicas may help, and where it cannot be known: for another latency than the time to the first
        token; when a figure is missing; when a pod does not report, at which requests may wait; when one request a
        pod or more waits now.
    """
    value, wait = pressure.figure.value, _mean_wait(snapshot)
    others, waiting, pods = _others(snapshot), snapshot.waiting.value, snapshot.reporting_pods.value
    if pressure.latency is not Latency.TTFT or value is None:
        return None
    if wait is None or others is None or waiting is None or pods is None or pods < ready:
        return None
    above = value / (1 + 2 * others) - pressure.target
    if above <= 0 or waiting >= pods or wait > OWED * (1 - pressure.percentile / 100) * above:
        return None
    return Unhelped(pressure, wait)


def _mean_wait(snapshot: DeploymentSnapshot) -> float | None:
    """Seconds that a request waited on average; None without requests, and when it is not known."""
    queue, arrivals = snapshot.mean_waiting.value, snapshot.arrivals.value
    return None if queue is None or not arrivals else queue / arrivals


def _others(snapshot: DeploymentSnapshot) -> float | None:
    """Requests in execution that one which comes finds at its pod: the mean, or what is there now if that is more."""
    mean, now, pods = snapshot.mean_running.value, snapshot.running.value, snapshot.reporting_pods.value
    return None if mean is None or now is None or not pods else max(mean, now) / pods
