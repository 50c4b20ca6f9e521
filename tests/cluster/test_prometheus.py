"""The query set against a real Prometheus that scrapes pods which look like engines."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from cake_operator.api import Duration, LatencyTarget, PositiveDuration, ScalingSpec, SloSpec
from cake_operator.observe.prometheus import Observer, queries
from cake_operator.observe.queries import Query
from cake_operator.observe.sampling import Sampling, Watched
from cake_operator.observe.snapshot import DeploymentSnapshot, Figure, State
from cake_operator.policy import scaling
from cake_operator.policy.confirmation import confirmation
from tests.cluster.engine_metrics import Engine, Pod, exporter, serve_requests, stand_idle
from tests.cluster.prometheus_server import PrometheusServer, prometheus
from tests.cluster.waiting import eventually

SAMPLING = Sampling(
    scrape_interval=timedelta(seconds=1),
    window=timedelta(seconds=6),
    tuning_window=timedelta(seconds=6),
    stale_after=timedelta(seconds=3),
)


def is_slow(engine: Engine) -> None:
    serve_requests(engine, ttft=4.0, itl=0.12)


def is_confused(engine: Engine) -> None:
    serve_requests(engine)
    engine.running.set(math.nan)
    engine.generation.set(math.nan)


@dataclass
class Site:
    """A Prometheus, its pods and an observer of them."""

    server: PrometheusServer
    pods: dict[str, Pod]
    observer: Observer

    def until(self, holds: Callable[[DeploymentSnapshot], bool], watched: Watched) -> DeploymentSnapshot:
        """Observe until it holds."""

        def seen() -> DeploymentSnapshot:
            fleet = self.observer.observe([watched], datetime.now(UTC))
            assert fleet.error is None
            snapshot = fleet.of(watched.namespace, watched.name)
            assert holds(snapshot), snapshot
            return snapshot

        return eventually(seen, holds.__name__)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    pods = [
        Pod("team-a", "chat", "chat-0"),
        Pod("team-a", "chat", "chat-1"),
        Pod("team-b", "chat", "chat-0", moment=is_slow),
        Pod("team-a", "idle", "idle-0", moment=stand_idle),
        Pod("team-a", "ending", "ending-0"),
        Pod("team-a", "partial", "partial-0"),
        Pod("team-a", "partial", "partial-1"),
        Pod("team-a", "confused", "confused-0", moment=is_confused),
        Pod("team-a", "", "somebody-elses"),
    ]
    with ExitStack() as stack:
        address = stack.enter_context(exporter(pods))
        targets = [pod.target(address) for pod in pods]
        # The pod chat-0 of team-b is scraped twice, as it is when two PodMonitors select it.
        again = [pod.target(address) for pod in pods if pod.namespace == "team-b"]
        jobs = [{"job_name": "engines", "static_configs": targets}, {"job_name": "again", "static_configs": again}]
        server = stack.enter_context(prometheus(jobs))
        yield Site(server, {pod.name: pod for pod in pods if pod.namespace == "team-a"}, Observer(server.url, SAMPLING))


def every_figure(snapshot: DeploymentSnapshot) -> dict[str, Figure]:
    figures = {}
    for query in queries(SAMPLING, [Watched("n", "d")]):
        value = getattr(snapshot, query.figure)
        if isinstance(value, Figure):
            figures[query.figure] = value
        elif query.by != "pod":
            figures |= {f"{query.figure} {part}": figure for part, figure in value.items()}
    return figures


def all_present(snapshot: DeploymentSnapshot) -> bool:
    figures = every_figure(snapshot)
    return len(figures) >= 19 and all(figure.state is State.PRESENT for figure in figures.values())


def window_is_full(snapshot: DeploymentSnapshot) -> bool:
    return all_present(snapshot) and (snapshot.arrivals.value or 0) > 7.5


def test_every_query_measures_what_the_engines_did(site: Site) -> None:
    found = site.until(window_is_full, Watched("team-a", "chat"))
    expected = {
        "ttft": 0.475,  # p90 within the bucket from 0.25 to 0.5
        "inter_token_latency": 0.0235,
        "running": 6,
        "waiting": 2,
        "held": 2,
        "mean_running": 6,
        "mean_waiting": 2,
        "reporting_pods": 2,
        "meeting_point_low": 0.405,
        "meeting_point": 0.425,
        "predicted_meeting_point": 0.875,
        "arrivals": 8,
        "tokens": 2000,
        "read_rate shared": 8000,
        "write_rate shared": 2000,
        "reads shared": 48,
        "read_seconds shared": 0.01,
        "no_space_rate shared": 4,
        "denied_rate shared": 2,
        "failed_write_rate shared": 6,
        "prefix_tokens computed": 100,
        "prefix_tokens loaded": 100,
        "offered_compute": 1,
        "spared_compute": 0.6,
        "decode_compute": 0.2,
        "offered_load": 10000,
    }
    values = {name: figure.value for name, figure in every_figure(found).items() if name != "meeting_points"}
    assert values == pytest.approx(expected, rel=0.1)
    assert found.meeting_points.value == pytest.approx(48, rel=0.1)
    assert found.generations == {"chat-0": 3, "chat-1": 3}


def test_every_figure_is_as_old_as_its_newest_sample(site: Site) -> None:
    found = site.until(all_present, Watched("team-a", "chat"))
    ages = {name: figure.age_seconds for name, figure in every_figure(found).items()}
    assert all(age is not None and 0 <= age < 2 for age in ages.values()), ages


def test_each_deployment_is_asked_at_its_own_percentile(site: Site) -> None:
    low, high = (site.until(all_present, Watched("team-a", "chat", percentile, percentile)) for percentile in (10, 99))
    assert low.ttft.value == pytest.approx(0.275, rel=0.01)
    assert high.ttft.value == pytest.approx(0.4975, rel=0.01)


def test_the_same_name_in_another_namespace_is_another_deployment_and_two_scrapes_of_a_pod_count_once(
    site: Site,
) -> None:
    found = site.until(all_present, Watched("team-b", "chat"))
    assert found.ttft.value == pytest.approx(4.75, rel=0.01)
    assert (found.running.value, found.reporting_pods.value) == (3, 1)


def test_a_namespaced_operator_sees_its_namespace_only(site: Site) -> None:
    site.until(all_present, Watched("team-b", "chat"))
    observer = Observer(site.server.url, Sampling(namespace="team-a", scrape_interval=timedelta(seconds=1)))
    fleet = observer.observe([Watched("team-a", "chat"), Watched("team-b", "chat")], datetime.now(UTC))
    assert fleet.of("team-a", "chat").running.value == 6
    assert fleet.of("team-b", "chat").running.state is State.ABSENT


def test_a_deployment_without_pods_is_absent_in_every_figure(site: Site) -> None:
    found = site.until(lambda _: True, Watched("team-a", "not-there"))
    assert found == DeploymentSnapshot()


def test_percentiles_of_no_requests_are_not_a_number_and_no_load_is_zero(site: Site) -> None:
    found = site.until(lambda s: s.ttft.state is State.NAN, Watched("team-a", "idle"))
    assert found.inter_token_latency.state is State.NAN
    assert (found.running.value, found.waiting.value, found.arrivals.value) == (0, 0, 0)
    assert found.ttft.value is None


def test_a_gauge_that_is_not_a_number_says_so_and_confirms_nothing(site: Site) -> None:
    found = site.until(lambda s: s.running.state is State.NAN, Watched("team-a", "confused"))
    assert found.generations == {}


def test_a_missing_pod_shows_in_the_number_of_pods_that_report(site: Site) -> None:
    watched = Watched("team-a", "partial")
    site.until(lambda s: s.reporting_pods.value == 2, watched)
    site.pods["partial-1"].answers.clear()
    found = site.until(lambda s: s.reporting_pods.value == 1, watched)
    assert found.ttft.state is State.PRESENT
    assert not confirmation(found, ["partial-0", "partial-1"], 3).confirmed


def test_rates_of_an_engine_that_ended_are_stale_before_they_are_absent(site: Site) -> None:
    watched = Watched("team-a", "ending")
    site.until(all_present, watched)
    site.pods["ending-0"].answers.clear()
    stale = site.until(lambda s: s.ttft.state is State.STALE, watched)
    assert stale.running.state is State.ABSENT
    assert stale.ttft.age_seconds is not None
    assert stale.ttft.age_seconds > 3
    site.until(lambda s: s.ttft.state is State.ABSENT, watched)


def test_the_query_set_asks_once_for_all_deployments_that_agree_on_a_percentile() -> None:
    def ttft(watched: list[Watched]) -> list[Query]:
        return [query for query in queries(SAMPLING, watched) if query.figure == "ttft"]

    assert len(ttft([Watched("team-a", name) for name in ("a", "b", "c")])) == 1
    assert len(ttft([Watched("team-a", "a"), Watched("team-a", "b", ttft_percentile=99)])) == 2


def test_when_prometheus_dies_replicas_are_held() -> None:
    pod = Pod("team-a", "chat", "chat-0", moment=is_slow)
    watched = Watched("team-a", "chat")
    with (
        exporter([pod]) as address,
        prometheus([{"job_name": "engines", "static_configs": [pod.target(address)]}]) as server,
    ):
        site = Site(server, {}, Observer(server.url, SAMPLING))
        alive = site.until(all_present, watched)
        server.kill()
        dead = site.observer.observe([watched], datetime.now(UTC))
    assert dead.error is not None
    assert "cannot be reached" in dead.error
    assert replicas(alive) == (4, True)
    assert replicas(dead.of("team-a", "chat")) == (2, False)


def replicas(snapshot: DeploymentSnapshot) -> tuple[int, bool]:
    slo = SloSpec(ttft=LatencyTarget(target=PositiveDuration("1s")))
    bounds = ScalingSpec(max_replicas=8, scale_down_stabilization=Duration("0s"))
    decision, _ = scaling.decide(
        bounds,
        slo,
        fixed=None,
        snapshot=snapshot,
        history=scaling.ScalingHistory(),
        current_replicas=2,
        ready_replicas=2,
        now=datetime.now(UTC),
    )
    return decision.value, decision.valid
