"""What was measured of the fleet at one moment, every figure with its age.

A figure that could not be measured is a value with a state, never a zero: a policy that meets one holds what is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """Whether a figure may be acted on."""

    PRESENT = "Present"
    """Measured from samples that are new enough."""
    ABSENT = "Absent"
    """There is no such series, or Prometheus did not answer."""
    STALE = "Stale"
    """The newest sample is too old to act on."""
    NAN = "NaN"
    """The series is there and new, but says nothing: a percentile of no requests."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Attributes:
        value: In base units (seconds, bytes, requests, a fraction). Set if and only if the state is Present.
        age_seconds: Age of the newest sample behind it by the clock of Prometheus; None when there is none.
        state: Whether the value may be acted on.
    """

    value: float | None
    age_seconds: float | None
    state: State

    def __post_init__(self) -> None:
        if (self.value is not None) != (self.state is State.PRESENT):
            raise ValueError(f"a figure has a value if and only if it is Present, not {self.value} with {self.state}")

    @classmethod
    def present(cls, value: float, age_seconds: float = 0.0) -> "Figure":
        """A figure that may be acted on."""
        return cls(value, age_seconds, State.PRESENT)

    @property
    def unknown(self) -> bool:
        """Whether it may be anything: nothing new enough was measured.

        Not a number is something else: it was looked at, and there was nothing to measure.
        """
        return self.state in (State.ABSENT, State.STALE)

    @property
    def why_not(self) -> str:
        """Why it cannot be acted on, as the end of a sentence that begins with its name; empty when it can."""
        match self.state:
            case State.PRESENT:
                return ""
            case State.ABSENT:
                return "is absent"
            case State.STALE:
                return f"is stale ({self.age_seconds:.0f} s old)" if self.age_seconds is not None else "is stale"
            case State.NAN:
                return "is not a number (nothing to measure in its window)"


ABSENT = Figure(None, None, State.ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSnapshot:
    """The figures of one CakeDeployment; whatever was not measured is Absent.

    Attributes:
        ttft: Seconds to the first token at the percentile of the SLO.
        inter_token_latency: Seconds between tokens at the percentile of the SLO.
        running: Requests in execution, over all pods.
        waiting: Requests queued in the engines, over all pods.
        mean_running: Requests in execution on average over the window of the latencies, over all pods.
        mean_waiting: Requests queued on average over the window of the latencies, over all pods.
        work: By pod, requests that it runs or queues.
        arrivals: Requests per second that got their first token, over all pods.
        tokens: Tokens per second of prompts and answers, over all pods: the work that is asked for.
        reporting_pods: Pods whose series are there.
        held: Requests that came and that no pod takes, as a gateway says.
        meeting_point_low: 10th percentile of the meeting points that were chosen, where more was computed than no tier
            held; 0 stands for the others.
        meeting_points: How many of them were measured in the window.
        meeting_point: Median of the actual meeting points: 0 is all loaded, 1 is all computed.
        predicted_meeting_point: Median of the meeting points that were expected when prefixes were planned.
        read_rate: By tier, bytes read per second, over all pods.
        write_rate: By tier, bytes written per second, over all pods.
        read_seconds: By tier, mean seconds of one read.
        reads: By tier, how many there were in the window, over all pods.
        no_space_rate: By tier, blocks per second that were not stored because the volume was full, over all pods.
        denied_rate: By tier, blocks per second that were not stored because the volume forbade it, over all pods.
        failed_write_rate: By tier, blocks per second that were not stored because the volume failed, over all pods.
        prefix_tokens: By outcome (computed, loaded, duplicated), tokens of stored prefixes per second, over all pods.
        offered_compute: Seconds that computing the prompts that came in a second would take alone, over all pods.
        spared_compute: Seconds of that per second which prefixes on the device and loaded ones made needless.
        decode_compute: Seconds per second that requests added to steps in which they decoded, over all pods.
        offered_load: Bytes of prefix load offered per second, over all pods.
        generations: By pod, the generation of the live configuration that the engine runs with.
    """

    ttft: Figure = ABSENT
    inter_token_latency: Figure = ABSENT
    running: Figure = ABSENT
    waiting: Figure = ABSENT
    mean_running: Figure = ABSENT
    mean_waiting: Figure = ABSENT
    work: Mapping[str, Figure] = field(default_factory=dict)
    arrivals: Figure = ABSENT
    tokens: Figure = ABSENT
    reporting_pods: Figure = ABSENT
    held: Figure = ABSENT
    meeting_point_low: Figure = ABSENT
    meeting_point: Figure = ABSENT
    meeting_points: Figure = ABSENT
    predicted_meeting_point: Figure = ABSENT
    read_rate: Mapping[str, Figure] = field(default_factory=dict)
    write_rate: Mapping[str, Figure] = field(default_factory=dict)
    read_seconds: Mapping[str, Figure] = field(default_factory=dict)
    reads: Mapping[str, Figure] = field(default_factory=dict)
    no_space_rate: Mapping[str, Figure] = field(default_factory=dict)
    denied_rate: Mapping[str, Figure] = field(default_factory=dict)
    failed_write_rate: Mapping[str, Figure] = field(default_factory=dict)
    prefix_tokens: Mapping[str, Figure] = field(default_factory=dict)
    offered_compute: Figure = ABSENT
    spared_compute: Figure = ABSENT
    decode_compute: Figure = ABSENT
    offered_load: Figure = ABSENT
    generations: Mapping[str, int] = field(default_factory=dict)


NOTHING = DeploymentSnapshot()


@dataclass(frozen=True, slots=True)
class FleetSnapshot:
    """The figures of all CakeDeployments from one query set.

    Attributes:
        at: When the set was asked for.
        deployments: By (namespace, name).
        error: Why there are no figures, as a sentence for the user; None when Prometheus answered every query.
    """

    at: datetime
    deployments: Mapping[tuple[str, str], DeploymentSnapshot] = field(default_factory=dict)
    error: str | None = None

    def of(self, namespace: str, name: str) -> DeploymentSnapshot:
        """The figures of one CakeDeployment: all Absent when none were measured."""
        return self.deployments.get((namespace, name), NOTHING)
