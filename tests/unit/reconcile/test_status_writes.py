"""How often status is written while Kubernetes takes its time to look at a Deployment."""

from cake_operator.apply.cache import Key
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, DEPLOYMENTS, SERVICES
from tests.unit.reconcile.small_cluster import KEY, SmallCluster, cake, small_cluster


def look_of_kubernetes(cluster: SmallCluster, key: Key = KEY) -> None:
    """The Deployment's controller has seen what was written."""
    live = cluster.objects[DEPLOYMENTS, *key]
    cluster.put(DEPLOYMENTS, {**live, "status": {"observedGeneration": live["metadata"]["generation"]}})


async def change(cluster: SmallCluster, number: int, *, seen_after: float) -> int:
    """Change the spec; gives how often status was written until Kubernetes had looked and all was said."""
    before = len(cluster.writes)
    resource = cluster.objects.get((CAKE_DEPLOYMENTS, *KEY), {})
    spec = cake(replicas=0, engine={"args": [f"--seed={number}"]})
    cluster.put(CAKE_DEPLOYMENTS, {**resource, **spec})
    passed = 0.0
    while passed < seen_after:
        await cluster.look()
        cluster.pass_time(0.5)
        passed += 0.5
    look_of_kubernetes(cluster)
    await cluster.look()
    told = cluster.objects[CAKE_DEPLOYMENTS, *KEY]
    assert told["status"]["observedGeneration"] == told["metadata"]["generation"]
    return sum(path.endswith("/status") for _, path in cluster.writes[before:])


async def test_a_change_is_one_write_of_status_once_it_is_known_how_long_kubernetes_takes() -> None:
    async with small_cluster() as cluster:
        await change(cluster, 0, seen_after=0.5)
        assert [await change(cluster, number, seen_after=3.0) for number in range(1, 4)] == [2, 1, 1]


async def test_what_was_refused_is_told_although_kubernetes_takes_its_time() -> None:
    async with small_cluster() as cluster:
        await change(cluster, 0, seen_after=5.0)
        cluster.refuses = "services"
        cluster.take(SERVICES, *KEY)
        cluster.put(CAKE_DEPLOYMENTS, {**cluster.objects[CAKE_DEPLOYMENTS, *KEY], **cake(replicas=1)})
        for _ in range(4):
            await cluster.look()
            cluster.pass_time(0.5)
        conditions = cluster.objects[CAKE_DEPLOYMENTS, *KEY]["status"]["conditions"]
        assert "ApplyRefused" in {one["reason"] for one in conditions}


async def test_of_many_changes_the_first_tells_that_kubernetes_is_slow_and_the_others_wait_for_it() -> None:
    keys = [(KEY[0], f"chat-{number}") for number in range(5)]
    async with small_cluster() as cluster:
        for key in keys:
            cluster.put(CAKE_DEPLOYMENTS, cake(key[1], replicas=0))
            await cluster.look(key)
            look_of_kubernetes(cluster, key)
            await cluster.look(key)
        for key in keys:
            cluster.put(CAKE_DEPLOYMENTS, {**cluster.objects[CAKE_DEPLOYMENTS, *key], **cake(key[1], replicas=1)})
            await cluster.look(key)
        before = len(cluster.writes)
        cluster.pass_time(1.0)
        for key in keys:
            await cluster.look(key)
        assert [path.split("/")[-2:] for _, path in cluster.writes[before:]] == [["chat-0", "status"]]
