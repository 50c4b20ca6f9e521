"""What the pages show to be copied is what the programs take: CakeDeployments, configuration files, commands."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cake_engine.cli import main
from cake_engine.config import LiveConfig, StaticConfig, parse
from cake_operator.api import CakeDeployment
from tests.unit.docs.test_links import PAGES, ROOT

GUIDES = [page for page in PAGES if page.is_relative_to(ROOT / "docs/how-to")]


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """The fenced blocks of all pages, each with its page's name."""
    for page in PAGES:
        for text in re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE):
            yield str(page.relative_to(ROOT)), text


def commands(program: str) -> list[list[str]]:
    """The command lines of the guides that begin with a program."""
    texts = [page.read_text() for page in GUIDES]
    return [
        shlex.split(line) for text in texts for line in re.findall(rf"^ +({program} .*)$", text, flags=re.MULTILINE)
    ]


CAKES = [
    (page, document)
    for page, text in blocks("yaml")
    for document in yaml.safe_load_all(text)
    if isinstance(document, dict) and document.get("kind") == "CakeDeployment"
]
DOCUMENTS = [(page, json.loads(text)) for page, text in blocks("json") if page.endswith("without-kubernetes.md")]
SERVING = commands("cake-engine serve")
LOOKING = commands("cake-engine store")


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
    assert main([str(tmp_path) if word.startswith("/") else word for word in command[1:]]) == 0
