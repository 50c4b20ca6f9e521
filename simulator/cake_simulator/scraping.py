"""Metrics as the operator gets them: scraped now and then, late, sometimes not at all, and asked for over a window."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from cake_operator.observe.assembling import figure
from cake_operator.observe.queries.meeting_point import LOW
from cake_operator.observe.sampling import Sampling
from cake_operator.observe.snapshot import ABSENT, DeploymentSnapshot, Figure
from cake_simulator.counters import ITL_BOUNDS, MEETING_BOUNDS, TTFT_BOUNDS
from cake_simulator.replica import Replica

Increase = Sequence[float]


@dataclass(frozen=True)
class Scraping:
    """How metrics come.

    Attributes:
        interval: Seconds between two scrapes of a pod.
        delay: Seconds until a scrape can be asked for.
        loss: Share of the scrapes that fail.
        outages: (from, until): nothing at all is answered then.
    """

    interval: float = 15.0
    delay: float = 2.0
    loss: float = 0.0
    outages: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class _Sample:
    at: float
    running: int
    waiting: int
    tokens_to_come: int
    generation: int
    totals: dict[str, Sequence[float]]


@dataclass
class Prometheus:
    """Keeps samples by pod, and answers for a moment.

    Attributes:
        scraping: How they come.
        sampling: Windows and ages, the operator's own.
        ttft_percentile: Percentile that is asked for, 0 to 100.
        inter_token_percentile: The same between tokens.
    """

    scraping: Scraping
    sampling: Sampling
    random: Random
    ttft_percentile: float = 90.0
    inter_token_percentile: float = 90.0
    _samples: dict[str, deque[_Sample]] = field(default_factory=dict)
    _held: deque[tuple[float, int]] = field(default_factory=deque)

    def scrape(self, replicas: Iterable[Replica], held: int, now: float) -> None:
        """Take a sample of each pod that answers, and of the gateway; forget what no window reaches.

        Args:
            replicas: All that run.
            held: Requests for which none is ready.
            now: When this is.
        """
        kept = 2 * self.sampling.tuning_window.total_seconds() + self.scraping.delay
        for replica in replicas:
            if self.random.random() >= self.scraping.loss:
                self._samples.setdefault(replica.name, deque()).append(_sample(replica, now))
        self._held.append((now, held))
        while self._held[0][0] < now - kept:
            self._held.popleft()
        for name in list(self._samples):
            samples = self._samples[name]
            while samples and samples[0].at < now - kept:
                samples.popleft()
            if not samples:
                del self._samples[name]

    def snapshot(self, now: float) -> DeploymentSnapshot:
        """What the operator's queries answer at this moment."""
        if not self._answers(now):
            return DeploymentSnapshot()
        known = [(at, held) for at, held in self._held if at <= now - self.scraping.delay]
        at, held = known[-1] if known else (now, None)
        return replace(_Answer(self, now).snapshot(), held=figure(held, now - at, self.sampling.stale_after))

    def tokens_to_come(self, now: float) -> Figure:
        """Tokens of prompts that are neither computed nor loaded, as a gateway may know them: no engine tells."""
        return _Answer(self, now).tokens_to_come() if self._answers(now) else ABSENT

    def _answers(self, now: float) -> bool:
        return not any(begin <= now < end for begin, end in self.scraping.outages)

    def seen(self, now: float) -> dict[str, list[_Sample]]:
        """By pod, the samples that can be asked for by now, oldest first."""
        latest = now - self.scraping.delay
        found = {name: [one for one in samples if one.at <= latest] for name, samples in self._samples.items()}
        return {name: samples for name, samples in found.items() if samples}


def _sample(replica: Replica, now: float) -> _Sample:
    counters, loading = replica.counters, replica.loading
    totals: dict[str, Sequence[float]] = {
        "ttft": tuple(counters.ttft.counts),
        "inter_token": tuple(counters.inter_token.counts),
        "meeting": tuple(counters.meeting.counts),
        "chosen": tuple(counters.chosen.counts),
        "tokens": (counters.prompt_tokens + counters.generation_tokens,),
        "computed": (counters.computed,),
        "loaded": (counters.loaded,),
        "duplicated": (counters.duplicated,),
        "offered_compute": (counters.offered_compute,),
        "spared_compute": (counters.spared_compute,),
        "decode_compute": (counters.decode_compute,),
        "offered_load": (counters.offered_load,),
    }
    for port in loading.reads.ports:
        name = port.tier.name
        totals[f"read {name}"] = (port.bytes_read,)
        totals[f"written {name}"] = (port.bytes_written,)
        totals[f"seconds {name}"] = (counters.read_seconds.get(name, 0.0), counters.reads.get(name, 0))
    return _Sample(now, replica.running, replica.waiting, replica.tokens_to_come, loading.live.generation, totals)


class _Answer:
    """All figures at one moment."""

    def __init__(self, prometheus: Prometheus, now: float) -> None:
        self._now, self._sampling, self._asked = now, prometheus.sampling, prometheus
        self._pods = prometheus.seen(now)
        newest = max((samples[-1].at for samples in self._pods.values()), default=None)
        self._age = None if newest is None else now - newest
        # A pod whose newest sample is older than this has gone: Prometheus marks its series as stale.
        oldest = now - self._sampling.stale_after.total_seconds()
        self._current = [samples[-1] for samples in self._pods.values() if samples[-1].at >= oldest]

    def tokens_to_come(self) -> Figure:
        return self._gauge(lambda sample: sample.tokens_to_come)

    def snapshot(self) -> DeploymentSnapshot:
        window, tuning = self._sampling.window, self._sampling.tuning_window
        ttft, gaps = self._rate("ttft", window), self._rate("inter_token", window)
        meeting, chosen = self._rate("meeting", tuning), self._rate("chosen", tuning)
        tiers = sorted({key[5:] for s in self._pods.values() for key in s[-1].totals if key.startswith("read ")})
        return DeploymentSnapshot(
            ttft=self._figure(quantile(self._asked.ttft_percentile, TTFT_BOUNDS, ttft)),
            inter_token_latency=self._figure(quantile(self._asked.inter_token_percentile, ITL_BOUNDS, gaps)),
            running=self._gauge(lambda sample: sample.running),
            waiting=self._gauge(lambda sample: sample.waiting),
            mean_running=self._mean_gauge(window, lambda sample: sample.running),
            mean_waiting=self._mean_gauge(window, lambda sample: sample.waiting),
            arrivals=self._figure(sum(ttft) if ttft is not None else None),
            tokens=self._one("tokens", window),
            reporting_pods=self._gauge(lambda _: 1),
            meeting_point_low=self._figure(quantile(LOW, MEETING_BOUNDS, chosen)),
            meeting_point=self._figure(quantile(50, MEETING_BOUNDS, meeting)),
            meeting_points=self._figure(sum(chosen) * tuning.total_seconds() if chosen is not None else None),
            read_rate={tier: self._one(f"read {tier}", window) for tier in tiers},
            write_rate={tier: self._one(f"written {tier}", window) for tier in tiers},
            reads={tier: self._number(f"seconds {tier}", window) for tier in tiers},
            read_seconds={tier: self._mean(f"seconds {tier}", window) for tier in tiers},
            prefix_tokens={name: self._one(name, window) for name in ("computed", "loaded", "duplicated")},
            offered_compute=self._one("offered_compute", window),
            spared_compute=self._one("spared_compute", window),
            decode_compute=self._one("decode_compute", window),
            offered_load=self._one("offered_load", window),
            generations={name: samples[-1].generation for name, samples in self._pods.items()},
        )

    def _figure(self, value: float | None) -> Figure:
        return figure(value, self._age, self._sampling.stale_after)

    def _gauge(self, of: Callable[[_Sample], int]) -> Figure:
        return self._figure(float(sum(map(of, self._current))) if self._current else None)

    def _mean_gauge(self, window: timedelta, of: Callable[[_Sample], int]) -> Figure:
        since = self._now - self._asked.scraping.delay - window.total_seconds()
        inside = [[of(one) for one in samples if one.at >= since] for samples in self._pods.values()]
        means = [sum(numbers) / len(numbers) for numbers in inside if numbers]
        return self._figure(sum(means) if means else None)

    def _one(self, name: str, window: timedelta) -> Figure:
        rate = self._rate(name, window)
        return self._figure(None if rate is None else rate[0])

    def _number(self, name: str, window: timedelta) -> Figure:
        rate = self._rate(name, window)
        return self._figure(None if rate is None else rate[1] * window.total_seconds())

    def _mean(self, name: str, window: timedelta) -> Figure:
        rate = self._rate(name, window)
        return self._figure(None if rate is None else rate[0] / rate[1] if rate[1] else float("nan"))

    def _rate(self, name: str, window: timedelta) -> Increase | None:
        """Increase per second over a window, summed over the pods; None where no pod has two samples in it."""
        until = self._now - self._asked.scraping.delay
        since = until - window.total_seconds()
        found: list[float] | None = None
        for samples in self._pods.values():
            inside = [(sample.at, sample.totals[name]) for sample in samples if sample.at >= since]
            if len(inside) < 2:
                continue
            rates = rate(inside, since, until)
            found = rates if found is None else [a + b for a, b in zip(found, rates, strict=True)]
        return found


def rate(samples: Sequence[tuple[float, Sequence[float]]], since: float, until: float) -> list[float]:
    """Prometheus' rate: the increase between the samples of a window, extrapolated towards both its ends.

    No further than half the distance of two samples where an end is further off than the next sample would be, and not
    to before a counter was 0: a pod that is new has not been there for the whole window.

    Args:
        samples: (when, counters), two at least.
        since: Begin of the window.
        until: Its end.
    """
    (first, before), (last, after) = samples[0], samples[-1]
    length = last - first
    distance = length / (len(samples) - 1)
    begin, end = (gap if gap < 1.1 * distance else distance / 2 for gap in (first - since, until - last))

    def one(begun: float, ended: float) -> float:
        rise = ended - begun
        to_zero = length * begun / rise if rise > 0 else begin
        return rise * (length + min(begin, to_zero) + end) / length / (until - since)

    return [one(begun, ended) for begun, ended in zip(before, after, strict=True)]


def quantile(percentile: float, bounds: Sequence[float], rates: Increase | None) -> float | None:
    """Prometheus' histogram_quantile: linear within a bucket, the highest bound above all; NaN of nothing.

    Args:
        percentile: 0 to 100.
        bounds: Upper bounds of all buckets but the last.
        rates: Of each bucket by itself, the last one included; None where nothing is known.
    """
    if rates is None:
        return None
    total = sum(rates)
    if total <= 0:
        return float("nan")
    left, lower = percentile / 100 * total, 0.0
    for bound, rate in zip(bounds, rates, strict=False):
        if rate > 0 and left <= rate:
            return lower + (bound - lower) * left / rate
        left -= rate
        lower = bound
    return bounds[-1]
