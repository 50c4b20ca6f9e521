"""Every query that an alert, a recording rule or a dashboard asks, by where it stands."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from cake_operator.api import CakeDeployment
from cake_operator.render.fleet_rules import fleet_group
from cake_operator.render.slo_rules import slo_groups
from dashboards import all_dashboards
from dashboards.layout import json_of

CHAT = CakeDeployment.model_validate(
    {
        "metadata": {"name": "chat", "namespace": "team-a"},
        "spec": {
            "model": {"name": "m", "source": {"huggingFace": {"repo": "acme/m"}}},
            "slo": {"ttft": {"target": "1s"}, "interTokenLatency": {"target": "50ms"}},
        },
    }
)
# A name, then its matchers: every query here writes them, if only as {}.
SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}")
PARTS = re.compile(r"_(bucket|count|sum|total)$")


def pages() -> dict[str, Any]:
    """The dashboards as JSON."""
    return {name: json.loads(json_of(dashboard)) for name, dashboard in all_dashboards().items()}


def panels(page: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels of a dashboard but for its rows."""
    return [panel for panel in page["panels"] if panel["type"] != "row"]


def of_panels() -> Iterator[tuple[str, str]]:
    """Of panels."""
    for name, page in pages().items():
        for panel in panels(page):
            yield from ((f"{name}: {panel['title']}", target["expr"]) for target in panel["targets"])


def of_marks() -> Iterator[tuple[str, str]]:
    """Of annotations, by their name."""
    for page in pages().values():
        yield from ((mark["name"], mark["expr"]) for mark in page["annotations"]["list"])


def of_variables() -> Iterator[tuple[str, str]]:
    """Of the variables: the series whose labels they list."""
    for name, page in pages().items():
        for variable in page["templating"]["list"]:
            if variable["type"] == "query":
                (series,) = re.findall(r"^label_values\((.*), \w+\)$", variable["query"])
                yield f"{name}: ${variable['name']}", series


def groups() -> list[dict[str, Any]]:
    """The rule groups of the fleet and of one CakeDeployment."""
    return [fleet_group(), *slo_groups(CHAT, timedelta(minutes=1))]


def of_rules() -> Iterator[tuple[str, str]]:
    """Of alerts and recording rules."""
    for group in groups():
        for rule in group["rules"]:
            yield f"rule {rule.get('alert') or rule['record']}", rule["expr"]


def all_queries() -> list[tuple[str, str]]:
    """All of them."""
    return [*of_panels(), *of_marks(), *of_variables(), *of_rules()]


def whole(name: str) -> str:
    """A metric's name without the ending of a counter or of a histogram's part."""
    return PARTS.sub("", name)


def asked_for() -> set[str]:
    """Every metric that one of them names."""
    return {whole(name) for _, promql in all_queries() for name, _ in SELECTOR.findall(promql)}
