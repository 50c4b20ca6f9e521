import pytest

from cake_operator.apply.leadership import Terms
from cake_operator.configuration import Configuration, ConfigurationError
from cake_operator.main import main
from cake_operator.render.prometheus_rule import RuleSettings

ENOUGH = {"CAKE_ENGINE_IMAGE": "engine:1"}


def test_an_image_is_all_that_must_be_said() -> None:
    configuration = Configuration.of(ENOUGH)
    assert configuration.namespace is None
    assert (configuration.interval_seconds, configuration.port) == (15, 8080)


def test_replicas_that_share_a_lease_are_told_apart() -> None:
    configuration = Configuration.of(ENOUGH | {"CAKE_LEASE": "cake-system/cake", "CAKE_IDENTITY": "pod-1"})
    assert (configuration.lease, configuration.identity) == (("cake-system", "cake"), "pod-1")
    assert Configuration.of(ENOUGH).lease is None
    assert Configuration.of(ENOUGH).lease_seconds == Terms().lasts
    assert Configuration.of(ENOUGH).identity


def test_rules_are_made_only_where_they_are_wanted() -> None:
    assert Configuration.of(ENOUGH).rules is None
    assert Configuration.of(ENOUGH | {"CAKE_RULES": "false"}).rules is None
    told = {"CAKE_RULES": "true", "CAKE_RULE_LABELS": "release=stack,team=a", "CAKE_RUNBOOKS": "https://wiki/"}
    rules = Configuration.of(ENOUGH | told).rules
    assert rules == RuleSettings(labels={"release": "stack", "team": "a"}, runbooks="https://wiki/")


FAULTS = {
    "CAKE_ENGINE_IMAGE is not set": {},
    "CAKE_PROMETHEUS_URL is 'prometheus:9090': write an address": ENOUGH | {"CAKE_PROMETHEUS_URL": "prometheus:9090"},
    "CAKE_INTERVAL_SECONDS is 'often': write a number from 1": ENOUGH | {"CAKE_INTERVAL_SECONDS": "often"},
    "CAKE_INTERVAL_SECONDS is '0': write a number from 1": ENOUGH | {"CAKE_INTERVAL_SECONDS": "0"},
    "CAKE_INTERVAL_SECONDS is 'nan': write a number from 1": ENOUGH | {"CAKE_INTERVAL_SECONDS": "nan"},
    "CAKE_LIVENESS_PORT is '-1'": ENOUGH | {"CAKE_LIVENESS_PORT": "-1"},
    "CAKE_LEASE is 'cake-operator': write NAMESPACE/NAME": ENOUGH | {"CAKE_LEASE": "cake-operator"},
    "CAKE_LEASE_SECONDS is '1': write a number from 5": ENOUGH | {"CAKE_LEASE_SECONDS": "1"},
    "CAKE_LEASE is 'a/b/c': write NAMESPACE/NAME": ENOUGH | {"CAKE_LEASE": "a/b/c"},
    "CAKE_RULES is 'maybe': write true or false": ENOUGH | {"CAKE_RULES": "maybe"},
    "CAKE_RULE_LABELS has 'release': write NAME=VALUE": ENOUGH
    | {"CAKE_RULES": "true", "CAKE_RULE_LABELS": "team=a,release"},
    "CAKE_LOG_LEVEL is 'LOUD': write DEBUG": ENOUGH | {"CAKE_LOG_LEVEL": "loud"},
}


@pytest.mark.parametrize("sentence", FAULTS)
def test_a_variable_that_cannot_be_used_is_named(sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Configuration.of(FAULTS[sentence])
    assert str(refused.value).startswith(sentence)


def test_the_command_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("CAKE_ENGINE_IMAGE", raising=False)
    assert main(["run"]) == 2
    assert "CAKE_ENGINE_IMAGE is not set" in capsys.readouterr().err
