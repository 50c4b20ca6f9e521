"""Two tenants on one claim that is too small for both, while the engine that removes blocks is killed."""

from __future__ import annotations

import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cake_operator.render.naming import tenant_secret_name
from cake_operator.render.static_config import TIERS_FOLDER
from demo import installation
from demo.fitting import fitted
from demo.served import Served, ready
from demo.server import Server
from tests.cluster.waiting import eventually
from tests.e2e.tiny import MEMORY, complete, deployment, weights
from tests.engine.serving import prompt
from tests.localcluster import Cluster

NAMESPACE, CLAIM, TIER = "tenants-test", "kv", "shared"
TENANTS = ("search", "legal")
START_SECONDS = 600.0
FOLDER = f"{TIERS_FOLDER}/{TIER}"
CAPACITY = 16 << 20
"""Five prompts of 1500 tokens."""
MOST = CAPACITY * 102 // 100
WORK = ("cake_tier_evictions_total", "cake_tier_write_bytes_total")

LOOK_UNTIL_STDIN_ENDS = f"""
import os, select, sys
print("looks", flush=True)
most = 0
while not select.select([sys.stdin], [], [], 0.02)[0]:
    held = 0
    for folder, _, files in os.walk({FOLDER!r}):
        for name in files if "/.ledger" not in folder else ():
            try:
                held += os.stat(folder + "/" + name).st_size
            except FileNotFoundError:
                pass
    most = max(most, held)
print(most)
"""
FIND_THE_COLLECTOR = f"""
import glob, os
for file in glob.glob("/proc/[0-9]*/fd/*"):
    try:
        if os.readlink(file) == {f"{FOLDER}/.ledger/collector"!r}:
            print(file.split("/")[2])
    except OSError:
        pass
"""


@dataclass(frozen=True)
class Tenant:
    """A CakeDeployment of one pod, named as its tenant."""

    served: Served
    server: Server

    def python(self, script: str) -> str:
        """Run a script beside the engine; what it prints."""
        return self.served.kubectl("exec", f"deployment/{self.served.name}", "--", "python3", "-c", script).strip()

    @property
    def collector(self) -> str:
        """Identifier of the process of this pod that removes what is over the capacity; empty where none does."""
        return self.python(FIND_THE_COLLECTOR)

    def figure(self, name: str, **labels: str) -> float:
        """A figure of the engine's own, added up over the labels that are not given."""
        with urllib.request.urlopen(f"{self.server.url}/metrics", timeout=60) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        samples = [one for family in families for one in family.samples if one.name == name]
        return sum(one.value for one in samples if labels.items() <= one.labels.items())


@pytest.fixture(scope="module")
def tenants(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Tenant]]:
    """The operator by its chart, and a CakeDeployment for each tenant that is ready."""
    shared = {"name": TIER, "persistentVolumeClaim": {"claimName": CLAIM}, "capacity": "16Mi"}
    wanted = {"kvTiers": [MEMORY, shared], "balance": {"mode": "LoadOnly"}}
    resources = [deployment(NAMESPACE, name, tenant=name, **wanted) for name in TENANTS]
    installation.install(cluster, NAMESPACE, *resources)
    cluster.filled_claim(NAMESPACE, "models", weights(tmp_path_factory.mktemp("model")))
    cluster.shared_claim(NAMESPACE, CLAIM)
    # The operator keeps them when the CakeDeployments go.
    salts = [f"secret/{tenant_secret_name(name)}" for name in TENANTS]
    cluster.in_the_end("kubectl", "delete", *salts, "-n", NAMESPACE, "--ignore-not-found")
    with ExitStack() as watches:
        watched = [watches.enter_context(Served(cluster, NAMESPACE, name)) for name in TENANTS]
        cluster.apply(*(fitted(resource, cluster.engine(NAMESPACE)) for resource in resources))
        for served in watched:
            served.wait("Ready", ready, START_SECONDS)
        yield [Tenant(served, Server(cluster.reach(NAMESPACE, served.name))) for served in watched]


def test_equal_prompts_of_two_tenants_give_the_same_tokens_and_share_nothing(tenants: list[Tenant]) -> None:
    one, other = tenants
    tokens = prompt(1500, seed=1)
    answer = complete(one.server, tokens)
    eventually(lambda: one.figure("cake_tier_write_bytes_total", tier=TIER) > 2 << 20, "the prompt is on the claim")

    assert complete(other.server, tokens) == answer
    assert other.figure("cake_prefix_tokens_total") == 0

    one.server.forget()
    assert complete(one.server, tokens) == answer
    assert one.figure("cake_prefix_tokens_total", outcome="loaded", tier=TIER) > 0


def test_the_capacity_holds_while_the_engine_that_removes_is_killed(tenants: list[Tenant]) -> None:
    victim = eventually(lambda: next((tenant for tenant in tenants if tenant.collector), None), "one removes")
    survivor = next(tenant for tenant in tenants if tenant is not victim)

    with _most_bytes_held(survivor) as most:
        for seed in range(10, 15):
            for tenant in tenants:
                complete(tenant.server, prompt(1500, seed=seed))
        victim.python(f"import os, signal; os.kill({victim.collector}, signal.SIGKILL)")
        eventually(lambda: survivor.collector, "the other removes now")
        before = {name: survivor.figure(name, tier=TIER) for name in WORK}
        for seed in range(20, 30):
            complete(survivor.server, prompt(1500, seed=seed))
        for name in WORK:
            eventually(lambda name=name: survivor.figure(name, tier=TIER) > before[name], f"{name} grows there")

    assert CAPACITY // 2 < most[0] <= MOST


@contextmanager
def _most_bytes_held(beside: Tenant) -> Iterator[list[int]]:
    """While inside, a process in a tenant's pod looks at the claim again and again; then the most that it saw."""
    pod = f"deployment/{beside.served.name}"
    command = ("exec", "-i", "-n", NAMESPACE, pod, "--", "python3", "-c", LOOK_UNTIL_STDIN_ENDS)
    pipe, most = subprocess.PIPE, list[int]()
    with beside.served.cluster.start_kubectl(*command, stdin=pipe, stdout=pipe) as looking:
        try:
            assert looking.stdout
            assert looking.stdout.readline() == b"looks\n"
            yield most
            most.append(int(looking.communicate()[0]))
        finally:
            looking.kill()
