"""Every command of README and of getting started is run by a test: the one that this table names."""

import re

import pytest

from tests.unit.docs.shown import commands
from tests.unit.docs.test_links import ROOT

PAGES = ["README.md", "docs/getting-started.md"]
WALK = "cluster/test_getting_started.py::test_a_fleet_is_made_looked_at_and_deleted_as_the_page_says"
INSTALL = "cluster/test_chart_rendering.py::test_the_install_command_of_a_page_is_one_that_the_chart_takes"
SERVED = "e2e/test_serving.py::test_each_mode_gives_the_same_tokens_on_a_pod_whose_own_caches_are_empty"
# By how a command begins; the longest beginning counts.
RUN_BY = {
    # Installs, fills claims and asks in three modes as the demo does, with a smaller model and no story.
    "make demo": SERVED,
    "make test": "unit/docs/test_commands.py::test_every_command_is_run_by_a_test_that_is_there",
    "kubectl apply -f examples/": "cluster/test_examples.py::test_an_example_keeps_what_its_comment_promises",
    "kubectl apply": WALK,
    "kubectl wait": WALK,
    "kubectl get": WALK,
    "kubectl describe": WALK,
    "kubectl cake": WALK,
    "kubectl delete": WALK,
    # Tests reach the Service through the API server, and send the same request.
    "kubectl port-forward": SERVED,
    "curl": SERVED,
    "helm install": INSTALL,
    "helm test": "e2e/test_serving.py::test_helm_test_finds_the_operator_at_work",
    "helm uninstall": "cluster/test_chart.py::test_cakedeployments_outlive_the_release_and_the_next_one_adopts_them",
}
SHOWN = [command for page in PAGES for command in commands(ROOT / page)]


def test_the_pages_show_commands() -> None:
    assert len(SHOWN) >= 15


@pytest.mark.parametrize("command", SHOWN)
def test_every_command_is_run_by_a_test_that_is_there(command: str) -> None:
    beginnings = [beginning for beginning in RUN_BY if command.startswith(beginning)]
    assert beginnings, "name the test that runs it in RUN_BY, or write one"
    path, _, name = RUN_BY[max(beginnings, key=len)].partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / "tests" / path).read_text(), re.MULTILINE), f"{path} has no {name}"
