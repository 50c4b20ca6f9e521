"""What the pages show to be copied is what the programs take: CakeDeployments, configuration files, commands."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cake_engine.cli import main
from cake_engine.config import LiveConfig, StaticConfig, parse
from cake_operator.api import CakeDeployment
from tests.unit.docs.shown import commands, words
from tests.unit.docs.test_links import PAGES, ROOT

GUIDES = [page for page in PAGES if page.parent in (ROOT / "docs/how-to", ROOT / "docs/runbooks")]
# What a pod of engines is sure to have: where a console script lies differs between images.
IN_A_POD = ["python3", "-m", "cake_engine.cli"]


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """The fenced blocks of all pages, each with its page's name."""
    for page in PAGES:
        for text in re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE):
            yield str(page.relative_to(ROOT)), text


def beginning(program: str) -> list[list[str]]:
    """The command lines of guides and runbooks that begin with a program."""
    return [words(line) for page in GUIDES for line in commands(page) if line.startswith(f"{program} ")]


CAKES = [
    (page, document)
    for page, text in blocks("yaml")
    for document in yaml.safe_load_all(text)
    if isinstance(document, dict) and document.get("kind") == "CakeDeployment"
]
DOCUMENTS = [(page, json.loads(text)) for page, text in blocks("json") if page.endswith("without-kubernetes.md")]
SERVING = beginning("cake-engine serve")
EXECUTED = [command[command.index("--") + 1 :] for command in beginning("kubectl exec")]
STORE = [
    *(command[1:] for command in beginning("cake-engine store")),
    *(command[len(IN_A_POD) :] for command in EXECUTED if command[: len(IN_A_POD)] == IN_A_POD),
]
# The others move blocks through a pipe; that is tested beside them.
LOOKING = [command for command in STORE if command[1] not in ("export", "import")]


@pytest.mark.parametrize(("page", "document"), CAKES, ids=[page for page, _ in CAKES])
def test_every_cakedeployment_of_a_page_is_valid(page: str, document: dict[str, Any]) -> None:
    assert CakeDeployment.model_validate(document).spec.model.name, page


def test_the_engines_files_are_valid_and_the_knobs_name_its_tiers() -> None:
    (_, static), (_, live) = DOCUMENTS
    tiers = {tier.name for tier in parse(StaticConfig, json.dumps(static), "engine.json").tiers}
    assert set(parse(LiveConfig, json.dumps(live), "tuning.json").write_bandwidth_bytes_per_second) <= tiers


def test_the_engine_is_started_as_the_page_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (command,) = SERVING
    config = tmp_path / command[command.index("--cake-config") + 1]
    config.write_text(json.dumps(DOCUMENTS[0][1]))
    assert main([*(str(config) if word == config.name else word for word in command[1:]), "--show"]) == 0
    assert capsys.readouterr().out.startswith("vllm serve Qwen/Qwen3-8B --max-model-len=32768")


@pytest.mark.parametrize("command", LOOKING, ids=" ".join)
def test_a_tier_is_looked_into_as_the_page_says(command: list[str], tmp_path: Path) -> None:
    salt = tmp_path / "salt"
    salt.write_bytes(bytes(32))
    paths = {word: salt if word.endswith("/salt") else tmp_path for word in command if word.startswith("/")}
    assert main([str(paths.get(word, word)) for word in command]) == 0


@pytest.mark.parametrize("command", EXECUTED, ids=" ".join)
def test_what_is_run_in_a_pod_is_there_in_every_image_that_serves(command: list[str]) -> None:
    assert command[0] in ("python3", "cat")
