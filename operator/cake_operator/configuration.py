"""The operator's own configuration, from environment variables."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from cake_operator.render.alerting import RUNBOOKS
from cake_operator.render.prometheus_rule import RuleSettings

__all__ = ["Configuration", "ConfigurationError"]


class ConfigurationError(ValueError):
    """A variable that cannot be used; the text says which, and what to write."""


@dataclass(frozen=True)
class Configuration:
    """What an installation decides.

    Attributes:
        prometheus_url: CAKE_PROMETHEUS_URL, where figures come from; empty where nothing is measured.
        namespace: CAKE_NAMESPACE, the only one to look at; None for all.
        engine_image: CAKE_ENGINE_IMAGE, for engines that name none.
        interval_seconds: CAKE_INTERVAL_SECONDS, between two looks at the figures.
        scrape_interval_seconds: CAKE_SCRAPE_INTERVAL_SECONDS, how often Prometheus scrapes the engines.
        tuning_window_seconds: CAKE_TUNING_WINDOW_SECONDS, for how long a turned knob is watched before it is judged.
        port: CAKE_LIVENESS_PORT, for /healthz and /metrics; 0 takes any free one.
        log_level: CAKE_LOG_LEVEL.
        lease: CAKE_LEASE, namespace and name of the Lease that the acting one of several replicas holds; None where
            this process is the only one.
        lease_seconds: CAKE_LEASE_SECONDS, after which a replica that is not heard of is followed by another.
        identity: CAKE_IDENTITY, the name of this replica; the host's where there is none.
        rules: Whether to make PrometheusRules (CAKE_RULES is true), with which labels (CAKE_RULE_LABELS) and which
            address of the runbooks (CAKE_RUNBOOKS); None where not.
    """

    prometheus_url: str
    namespace: str | None
    engine_image: str
    interval_seconds: float
    scrape_interval_seconds: float
    tuning_window_seconds: float
    port: int
    log_level: str
    lease: tuple[str, str] | None
    lease_seconds: int
    identity: str
    rules: RuleSettings | None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables.

        Raises:
            ConfigurationError: One is missing or makes no sense.
        """
        url = environment.get("CAKE_PROMETHEUS_URL", "")
        if url and not url.startswith(("http://", "https://")):
            raise ConfigurationError(f"CAKE_PROMETHEUS_URL is {url!r}: write an address, as in http://prometheus:9090")
        image = environment.get("CAKE_ENGINE_IMAGE", "")
        if not image:
            raise ConfigurationError(
                "CAKE_ENGINE_IMAGE is not set: write the image of engines that name none in spec.engine.image"
            )
        level = environment.get("CAKE_LOG_LEVEL", "INFO").upper()
        if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ConfigurationError(f"CAKE_LOG_LEVEL is {level!r}: write DEBUG, INFO, WARNING or ERROR")
        return cls(
            prometheus_url=url,
            namespace=environment.get("CAKE_NAMESPACE") or None,
            engine_image=image,
            interval_seconds=_number(environment, "CAKE_INTERVAL_SECONDS", default=15, least=1),
            scrape_interval_seconds=_number(environment, "CAKE_SCRAPE_INTERVAL_SECONDS", default=15, least=1),
            tuning_window_seconds=_number(environment, "CAKE_TUNING_WINDOW_SECONDS", default=180, least=1),
            port=int(_number(environment, "CAKE_LIVENESS_PORT", default=8080, least=0)),
            log_level=level,
            lease=_lease(environment.get("CAKE_LEASE", "")),
            lease_seconds=int(_number(environment, "CAKE_LEASE_SECONDS", default=10, least=5)),
            identity=environment.get("CAKE_IDENTITY") or socket.gethostname(),
            rules=_rules(environment),
        )


def _rules(environment: Mapping[str, str]) -> RuleSettings | None:
    wanted = environment.get("CAKE_RULES", "") or "false"
    if wanted not in ("true", "false"):
        raise ConfigurationError(f"CAKE_RULES is {wanted!r}: write true or false")
    if wanted == "false":
        return None
    labels = {}
    for pair in filter(None, environment.get("CAKE_RULE_LABELS", "").split(",")):
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise ConfigurationError(f"CAKE_RULE_LABELS has {pair!r}: write NAME=VALUE,NAME=VALUE")
        labels[name] = value
    return RuleSettings(labels=labels, runbooks=environment.get("CAKE_RUNBOOKS", "") or RUNBOOKS)


def _lease(text: str) -> tuple[str, str] | None:
    if not text:
        return None
    namespace, slash, name = text.partition("/")
    if not (namespace and slash and name) or "/" in name:
        raise ConfigurationError(f"CAKE_LEASE is {text!r}: write NAMESPACE/NAME, as in cake-system/cake-operator")
    return namespace, name


def _number(environment: Mapping[str, str], name: str, *, default: float, least: float) -> float:
    text = environment.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = least - 1
    if not least <= value < float("inf"):
        raise ConfigurationError(f"{name} is {text!r}: write a number from {least:g}")
    return value
