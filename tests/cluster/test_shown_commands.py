"""The kubectl commands of runbooks and guides are ones that kubectl and a real API server take, word for word.

What they name beside a CakeDeployment (a release, a Prometheus, a gateway) is not here: that it is not found may be
said of it, and nothing else. There is no node either, so what asks a running pod is left out.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.cakes import Cake
from tests.cluster.conftest import fresh_namespace
from tests.cluster.operator_process import OperatorProcess
from tests.localcluster import Cluster, CommandError
from tests.unit.docs.shown import commands, words

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs/runbooks").glob("*.md")), *sorted((ROOT / "docs/how-to").glob("*.md"))]
SHOWN = sorted({command for page in PAGES for command in commands(page) if command.startswith("kubectl ")})
TRIED = {"get": (), "describe": (), "rollout": (), **dict.fromkeys(("apply", "patch", "scale"), ("--dry-run=server",))}
# Ask a pod, are the plugin's, or wait for what only a pod can bring about.
LEFT_OUT = {"exec", "logs", "port-forward", "cake", "wait"}
# What stands for a name of the reader's own; the namespace is that of the test.
NAMES = {
    "NAME": "chat",
    "POD": "chat-0",
    "-n NS": "-n {}",
    "-n team-a": "-n {}",
    "/team-a/": "/{}/",
    "crds/": f"{ROOT}/crds",
}
NOT_HERE = re.compile(
    r"\(NotFound\): (?!cakedeployments)|doesn't have a resource type \"(httproute|podmonitors|prometheusrules)\""
)


def verb(command: str) -> str:
    return words(command)[1]


@pytest.fixture(scope="module")
def chat(api_server: Cluster, operator: OperatorProcess) -> Iterator[Cake]:
    """The CakeDeployment that the pages speak of, with its children."""
    del operator  # it works beside us
    with fresh_namespace(api_server) as namespace:
        cake = Cake(api_server, namespace)
        cake.apply(replicas=1, slo={"ttft": {"target": "1s"}})
        cake.made()
        yield cake


def test_every_command_is_tried_or_left_out_for_a_reason() -> None:
    assert {verb(command) for command in SHOWN} <= TRIED.keys() | LEFT_OUT


def refusal(cake: Cake, command: str) -> str:
    """What kubectl says of a command that fails, with the names that things have here; nothing if it does not."""
    asked = command
    for name, here in NAMES.items():
        asked = asked.replace(name, here.format(cake.namespace))
    try:
        cake.kubectl(*words(asked)[1:], *TRIED[verb(command)])
    except CommandError as error:
        return error.stderr
    return ""


@pytest.mark.parametrize("command", [command for command in SHOWN if verb(command) in TRIED])
def test_a_command_is_one_that_kubectl_and_the_server_take(chat: Cake, command: str) -> None:
    said = refusal(chat, command)
    assert not said or NOT_HERE.search(said), said
