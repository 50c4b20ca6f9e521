"""The rule file for a Prometheus that no operator looks after."""

import io
import json
from typing import Any

import pytest
import yaml

from cake_operator.rulefile import main

MODEL = {"name": "m", "source": {"huggingFace": {"repo": "acme/m"}}}


def stored(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "team-a"}, "spec": {"model": MODEL, **spec}, "status": {"x": 1}}


def written(capsys: pytest.CaptureFixture[str], *items: dict[str, Any], options: tuple[str, ...] = ()) -> Any:
    code = main(list(options), io.StringIO(json.dumps({"kind": "List", "items": items})))
    said = capsys.readouterr()
    return code, yaml.safe_load(said.out), said.err


def test_the_file_holds_the_fleets_alerts_and_each_objectives(capsys: pytest.CaptureFixture[str]) -> None:
    chat, plain = stored("chat", slo={"ttft": {"target": "1s"}}), stored("plain")
    code, document, said = written(capsys, chat, plain, options=("--runbooks", "https://wiki/"))
    names = [group["name"] for group in document["groups"]]
    assert (code, said) == (0, "")
    assert names == ["cake-fleet", "cake-slo.team-a.chat", "cake-slo-budget.team-a.chat"]
    alerts = [rule for group in document["groups"] for rule in group["rules"] if "alert" in rule]
    assert all(rule["annotations"]["runbook_url"] == f"https://wiki/{rule['alert']}.md" for rule in alerts)


def test_percentiles_span_four_scrapes(capsys: pytest.CaptureFixture[str]) -> None:
    _, document, _ = written(
        capsys, stored("chat", slo={"ttft": {"target": "1s"}}), options=("--scrape-interval", "60")
    )
    assert "[240000ms]" in document["groups"][1]["rules"][0]["expr"]


def test_one_that_cannot_be_read_is_named_and_the_others_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    code, document, said = written(capsys, stored("odd", slo={"ttft": {}}), stored("chat"))
    assert (code, len(document["groups"])) == (1, 1)
    assert "team-a/odd is left out" in said


@pytest.mark.parametrize("text", ["", "[]", '{"kind": "CakeDeployment"}'])
def test_what_is_no_list_is_refused_with_the_command_to_use(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], io.StringIO(text)) == 2
    assert "kubectl get cakedeployments -A -o json" in capsys.readouterr().err
