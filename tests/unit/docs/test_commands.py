"""Every command of README and of getting started is run by a test: the one that this table names."""

import json
import re
import subprocess
from typing import Any

import pytest
import yaml

from cake_operator.status.conditions import ConditionType
from tests.unit.docs.shown import commands
from tests.unit.docs.test_links import PAGES as ALL_PAGES
from tests.unit.docs.test_links import ROOT

PAGES = ["README.md", "docs/getting-started.md"]
WALK = "cluster/test_getting_started.py::test_a_fleet_is_made_looked_at_and_deleted_as_the_page_says"
INSTALL = "cluster/test_chart.py::test_the_install_command_of_a_page_installs_what_it_says"
SERVED = "e2e/test_serving.py::test_each_mode_gives_the_same_tokens_on_a_pod_whose_own_caches_are_empty"
PLUGIN = "cluster/test_installation.py::test_the_plugin_of_a_checkout_is_found_by_kubectl"
HERE = "unit/docs/test_commands.py::"
# By how a command begins; the longest beginning counts.
RUN_BY = {
    # Installs, fills claims and asks in three modes as the demo does, with a smaller model and no story.
    "make demo": SERVED,
    "make test": HERE + "test_every_command_is_run_by_a_test_that_is_there",
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
    "for start in": HERE + "test_the_documents_of_getting_started_are_as_many_as_it_says_and_sent_twice",
    "pip install": PLUGIN,
    "python3 -m venv": PLUGIN,
    "helm install": INSTALL,
    "helm test": "e2e/test_serving.py::test_helm_test_finds_the_operator_at_work",
    "helm uninstall": "cluster/test_chart.py::test_cakedeployments_outlive_the_release_and_the_next_one_adopts_them",
}
SHOWN = [command for page in PAGES for command in commands(ROOT / page)]
FIELDS = [
    pytest.param(field, id=f"{page.name}: {field}")
    for page in ALL_PAGES
    for command in commands(page)
    for field in re.findall(r"kubectl get cake\S* .*-o jsonpath='\{\.([^}]*)\}'", command)
]
FILTER = re.compile(r'\[\?\(@\.type=="(\w+)"\)\]')


def test_the_pages_show_commands() -> None:
    assert len(SHOWN) >= 15


@pytest.mark.parametrize("command", SHOWN)
def test_every_command_is_run_by_a_test_that_is_there(command: str) -> None:
    beginnings = [beginning for beginning in RUN_BY if command.startswith(beginning)]
    assert beginnings, "name the test that runs it in RUN_BY, or write one"
    path, _, name = RUN_BY[max(beginnings, key=len)].partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / "tests" / path).read_text(), re.MULTILINE), f"{path} has no {name}"


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_a_page_has_kubectl_read_is_one_of_the_resource(field: str) -> None:
    """kubectl itself prints nothing for one that is misspelt, and says that all is well."""
    definition = yaml.safe_load((ROOT / "crds/cakedeployments.cake.dev.yaml").read_text())
    schema: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for name in FILTER.sub("", field).split("."):
        schema = schema.get("items", schema)["properties"][name]
    assert set(FILTER.findall(field)) <= set(ConditionType)


def test_the_documents_of_getting_started_are_as_many_as_it_says_and_sent_twice() -> None:
    (command,) = (one for one in SHOWN if one.startswith("for start in"))
    instead = "curl() { cat; echo; }"  # says what it would send
    done = subprocess.run(["bash", "-c", f"{instead}\n{command}"], capture_output=True, text=True, check=True)
    bodies = [json.loads(line) for line in done.stdout.splitlines()]
    prompts = [body["prompt"] for body in bodies]
    assert {body["model"] for body in bodies} == {"qwen3-8b"}
    assert prompts == prompts[:26] * 2
    assert len({prompt[:6] for prompt in prompts}) == 26, "they share no beginning"
    # To Qwen's tokenizer each digit and each space is a token.
    assert all(20_000 < len(prompt) < 32_768 - 8 for prompt in prompts)
