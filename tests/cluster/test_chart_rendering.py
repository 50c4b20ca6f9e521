"""What the chart renders, and what it refuses to render. Helm alone: no cluster is asked."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cake_operator.configuration import Configuration
from tests.localcluster import clients
from tests.unit.docs.shown import commands, words
from tests.unit.docs.test_blocks import blocks

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/cake-operator"
CRD = ROOT / "crds/cakedeployments.cake.dev.yaml"
IMAGES = "image.repository=localhost/cake-operator,engine.image=localhost/cake-engine:dev"
POD_MONITOR_API = ["--api-versions", "monitoring.coreos.com/v1/PodMonitor"]


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([clients.helm(), *arguments], capture_output=True, text=True, check=False)


def render(*values: str, options: list[str] | None = None) -> list[dict[str, Any]]:
    sets = [
        word
        for value in (IMAGES, *values)
        for word in ("--set-json" if "={" in value or "=[" in value else "--set", value)
    ]
    done = helm("template", "cake-operator", CHART, "--namespace", "cake-system", *sets, *(options or []))
    assert done.returncode == 0, done.stderr
    return parsed(done.stdout)


def parsed(text: str) -> list[dict[str, Any]]:
    """The objects that helm wrote. libyaml reads the CRD among them in a tenth of the time."""
    return [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document]


def of_kind(documents: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [document for document in documents if document["kind"] == kind]


def named(documents: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = (document for document in of_kind(documents, kind) if document["metadata"]["name"] == name)
    return found


def pod_template(documents: list[dict[str, Any]]) -> dict[str, Any]:
    (deployment,) = of_kind(documents, "Deployment")
    template: dict[str, Any] = deployment["spec"]["template"]
    return template


def environment(documents: list[dict[str, Any]]) -> dict[str, str]:
    (container,) = pod_template(documents)["spec"]["containers"]
    return {variable["name"]: variable["value"] for variable in container["env"] if "value" in variable}


def test_the_chart_passes_strict_lint() -> None:
    done = helm("lint", "--strict", CHART, "--set", IMAGES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            "prometheus.url=prometheus:9090",
            "at '/prometheus/url': 'prometheus:9090' does not match pattern '^(https?://",
        ),
        ("promtheus.url=http://p:9090", "additional properties 'promtheus' not allowed"),
        ("prometheus.adress=http://p:9090", "at '/prometheus': additional properties 'adress' not allowed"),
        (
            "image.pullPolicy=Sometimes",
            "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'",
        ),
        ("image.digest=latest", "at '/image/digest': 'latest' does not match pattern '^(sha256:"),
        ("image.repository=Not An Image", "at '/image/repository': 'Not An Image' does not match pattern"),
        ("podMonitor.enabled=maybe", "at '/podMonitor/enabled': value must be one of 'auto', true, false"),
        ("prometheus.scrapeIntervalSeconds=15s", "at '/prometheus/scrapeIntervalSeconds': got string, want integer"),
        ("intervalSeconds=0", "at '/intervalSeconds': minimum: got 0, want 1"),
        ("watchNamespace=Team_A", "at '/watchNamespace': 'Team_A' does not match pattern"),
        ("watchNamespace={a,b}", "at '/watchNamespace': got array, want string"),
        ("crds.keep=always", "at '/crds/keep': got string, want boolean"),
        ("replicas=0", "at '/replicas': minimum: got 0, want 1"),
    ],
)
def test_a_wrong_value_is_refused_by_name_with_what_would_be_right(value: str, sentence: str) -> None:
    done = helm("template", "x", CHART, "--set", IMAGES, "--set", value)
    assert done.returncode != 0
    assert sentence in done.stderr


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("engine.image=e:1", "image.repository: say where the cluster pulls the operator's image from"),
        ("image.repository=o", "engine.image: say which image engine pods run"),
    ],
)
def test_an_image_that_nobody_named_is_asked_for(named: str, sentence: str) -> None:
    done = helm("template", "x", CHART, "--set", named)
    assert done.returncode != 0
    assert sentence in done.stderr


def test_a_service_account_that_is_not_created_must_be_named() -> None:
    done = helm("template", "x", CHART, "--set", IMAGES, "--set", "serviceAccount.create=false")
    assert done.returncode != 0
    assert "serviceAccount.name: name the service account to use" in done.stderr


def test_the_schema_knows_every_default_and_every_value_has_one() -> None:
    def fields(schema: dict[str, Any]) -> dict[str, Any]:
        return {name: fields(part) for name, part in schema.get("properties", {}).items() if name != "global"}

    def names(values: Any, known: dict[str, Any]) -> dict[str, Any]:
        return {name: names(value, known[name]) if known.get(name) else {} for name, value in values.items()}

    known = fields(json.loads((CHART / "values.schema.json").read_text()))
    assert names(yaml.safe_load((CHART / "values.yaml").read_text()), known) == known


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ([], "localhost/cake-operator:0.1.0"),
        (["image.tag=dev"], "localhost/cake-operator:dev"),
        (["image.tag=dev", f"image.digest=sha256:{'a' * 64}"], f"localhost/cake-operator@sha256:{'a' * 64}"),
    ],
)
def test_the_image_is_the_digest_else_the_tag_else_this_version(values: list[str], image: str) -> None:
    (container,) = pod_template(render(*values))["spec"]["containers"]
    assert container["image"] == image


def test_the_operator_is_told_what_the_values_say() -> None:
    told = environment(
        render(
            "prometheus.url=http://p:9090",
            "engine.image=e:1",
            "logLevel=DEBUG",
            "watchNamespace=team-a",
            "intervalSeconds=5",
            "tuningWindowSeconds=30",
            "leaseSeconds=20",
            "prometheus.scrapeIntervalSeconds=10",
        )
    )
    assert told == {
        "CAKE_NAMESPACE": "team-a",
        "CAKE_PROMETHEUS_URL": "http://p:9090",
        "CAKE_ENGINE_IMAGE": "e:1",
        "CAKE_INTERVAL_SECONDS": "5",
        "CAKE_SCRAPE_INTERVAL_SECONDS": "10",
        "CAKE_TUNING_WINDOW_SECONDS": "30",
        "CAKE_LEASE_SECONDS": "20",
        "CAKE_LEASE": "cake-system/cake-operator",
        "CAKE_LIVENESS_PORT": "8080",
        "CAKE_LOG_LEVEL": "DEBUG",
    }


@pytest.mark.parametrize("url", ["", "http://prometheus.monitoring:9090"])
def test_the_operator_takes_what_the_chart_tells_it(url: str) -> None:
    configuration = Configuration.of(
        environment(render(f"prometheus.url={url}", "prometheus.scrapeIntervalSeconds=30"))
    )
    assert (configuration.prometheus_url, configuration.scrape_interval_seconds) == (url, 30)


def test_a_variable_that_is_given_once_more_is_replaced_not_doubled() -> None:
    (container,) = pod_template(render('extraEnv=[{"name": "CAKE_LOG_LEVEL", "value": "ERROR"}]'))["spec"]["containers"]
    assert [v["value"] for v in container["env"] if v["name"] == "CAKE_LOG_LEVEL"] == ["ERROR"]


def test_placement_secrets_environment_and_labels_reach_the_pod() -> None:
    template = pod_template(
        render(
            'extraEnv=[{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}]',
            'imagePullSecrets=[{"name": "registry"}]',
            'tolerations=[{"key": "system", "operator": "Exists"}]',
            'affinity={"nodeAffinity": {}}',
            'nodeSelector={"kubernetes.io/os": "linux"}',
            'podAnnotations={"example.com/a": "b"}',
            'podLabels={"team": "serving", "app.kubernetes.io/name": "other"}',
        )
    )
    assert template["spec"]["containers"][0]["env"][-1] == {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}
    assert template["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    assert template["spec"]["tolerations"] == [{"key": "system", "operator": "Exists"}]
    assert template["spec"]["affinity"] == {"nodeAffinity": {}}
    assert template["spec"]["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert template["metadata"]["annotations"] == {"example.com/a": "b"}
    assert template["metadata"]["labels"]["team"] == "serving"
    assert template["metadata"]["labels"]["app.kubernetes.io/name"] == "cake-operator", "the selector's labels win"


def test_the_operator_writes_nowhere_but_to_tmp() -> None:
    spec = pod_template(render())["spec"]
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [(mount["name"], mount["mountPath"]) for mount in container["volumeMounts"]] == [("tmp", "/tmp")]
    assert [set(volume) for volume in spec["volumes"]] == [{"name", "emptyDir"}]


def test_replicas_share_one_lease_under_names_of_their_own() -> None:
    documents = render()
    (deployment,) = of_kind(documents, "Deployment")
    assert deployment["spec"]["replicas"] == 2
    lease = environment(documents)["CAKE_LEASE"]
    (container,) = pod_template(documents)["spec"]["containers"]
    (identity,) = (variable for variable in container["env"] if variable["name"] == "CAKE_IDENTITY")
    assert identity["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    role = named(documents, "Role", "cake-operator-lease")
    allowed = {rule["resourceNames"][0] for rule in role["rules"] if "resourceNames" in rule}
    assert lease == f"{role['metadata']['namespace']}/{allowed.pop()}"


@pytest.mark.parametrize(("replicas", "budgets"), [(1, 0), (2, 1), (3, 1)])
def test_a_drain_takes_one_of_several_replicas_at_a_time(replicas: int, budgets: int) -> None:
    documents = render(f"replicas={replicas}")
    found = of_kind(documents, "PodDisruptionBudget")
    assert [budget["spec"]["maxUnavailable"] for budget in found] == [1] * budgets
    for budget in found:
        selected = budget["spec"]["selector"]["matchLabels"]
        assert selected.items() <= pod_template(documents)["metadata"]["labels"].items()


def test_the_crd_is_the_generated_one_and_is_kept() -> None:
    (rendered,) = of_kind(render(), "CustomResourceDefinition")
    assert rendered["metadata"].pop("annotations")["helm.sh/resource-policy"] == "keep"
    assert rendered["metadata"].pop("labels")["app.kubernetes.io/instance"] == "cake-operator"
    generated = yaml.safe_load(CRD.read_text())
    assert rendered == generated


@pytest.mark.parametrize(("value", "count"), [("crds.enabled=false", 0), ("crds.keep=false", 1)])
def test_the_crd_is_left_out_or_let_go_on_request(value: str, count: int) -> None:
    definitions = of_kind(render(value), "CustomResourceDefinition")
    assert len(definitions) == count
    assert all("annotations" not in definition["metadata"] for definition in definitions)


def test_one_namespace_needs_no_cluster_wide_right() -> None:
    documents = render("watchNamespace=team-a")
    assert not of_kind(documents, "ClusterRole")
    assert not of_kind(documents, "ClusterRoleBinding")
    role, binding = (named(documents, kind, "cake-operator") for kind in ("Role", "RoleBinding"))
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "team-a"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "cake-operator", "namespace": "cake-system"}]


def test_both_modes_grant_the_same_rights() -> None:
    (everywhere,) = (role for role in of_kind(render("rbac.aggregate=false"), "ClusterRole"))
    here = named(render("watchNamespace=team-a"), "Role", "cake-operator")
    assert everywhere["rules"] == here["rules"]
    assert "*" not in json.dumps(here["rules"])


@pytest.mark.parametrize(
    ("value", "options", "monitored"),
    [
        ("podMonitor.enabled=auto", [], False),
        ("podMonitor.enabled=auto", POD_MONITOR_API, True),
        ("podMonitor.enabled=true", [], True),
        ("podMonitor.enabled=false", POD_MONITOR_API, False),
    ],
)
def test_pods_are_monitored_where_the_api_is_there_or_as_told(value: str, options: list[str], monitored: bool) -> None:
    assert bool(of_kind(render(value, options=options), "PodMonitor")) == monitored


@pytest.mark.parametrize(("watch", "namespaces"), [("", {"any": True}), ("team-a", {"matchNames": ["team-a"]})])
def test_engine_series_carry_the_name_of_their_cakedeployment(watch: str, namespaces: dict[str, Any]) -> None:
    monitors = of_kind(
        render(f"watchNamespace={watch}", 'podMonitor.labels={"release": "stack"}', options=POD_MONITOR_API),
        "PodMonitor",
    )
    (engine,) = (monitor for monitor in monitors if monitor["metadata"]["name"] == "cake-operator-engine")
    assert engine["spec"]["podTargetLabels"] == ["cake.dev/deployment"]
    assert engine["spec"]["namespaceSelector"] == namespaces
    assert engine["metadata"]["labels"]["release"] == "stack"


SETTING = sorted(
    {
        command
        for page in [*(ROOT / "docs/how-to").glob("*.md"), *(ROOT / "docs/runbooks").glob("*.md")]
        for command in commands(page)
        if command.startswith(("helm install", "helm upgrade"))
    }
)


@pytest.mark.parametrize("command", SETTING)
def test_what_a_guide_has_helm_set_is_what_the_chart_takes(command: str) -> None:
    name, _, *options = words(command)[2:]
    only_of_a_release = {"--reset-then-reuse-values", "--create-namespace", "..."}
    files = {word: ROOT / word for word in options if word.startswith("charts/")}
    known = [files.get(word, word) for word in options if word not in only_of_a_release]
    done = helm("template", name, CHART, "--set", IMAGES, *known)
    assert done.returncode == 0, done.stderr


def test_the_values_of_the_page_about_argo_cd_are_ones_that_the_chart_takes(tmp_path: Path) -> None:
    ((_, text),) = (one for one in blocks("yaml") if one[0] == "docs/how-to/argo-cd.md")
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump(yaml.safe_load(text)["spec"]["source"]["helm"]["valuesObject"]))
    done = helm("template", "cake-operator", CHART, "--values", values)
    assert done.returncode == 0, done.stderr
    assert {"PodMonitor", "PrometheusRule"} <= {one["kind"] for one in parsed(done.stdout)}


def test_the_operators_network_is_closed_but_for_what_it_needs_where_that_is_asked_for() -> None:
    assert not of_kind(render(), "NetworkPolicy")
    monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    documents = render(
        "networkPolicy.enabled=true",
        f"networkPolicy.metricsFrom=[{json.dumps(monitoring)}]",
        "networkPolicy.egressPorts=[443,9091]",
    )
    (policy,) = of_kind(documents, "NetworkPolicy")
    spec, template = policy["spec"], pod_template(documents)
    assert spec["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == [{"ports": [{"port": "status", "protocol": "TCP"}], "from": [monitoring]}]
    assert [rule["port"] for rule in spec["egress"][0]["ports"]] == [53, 53, 443, 9091]


def test_anybody_may_read_the_operators_metrics_where_nobody_is_named() -> None:
    (policy,) = of_kind(render("networkPolicy.enabled=true"), "NetworkPolicy")
    assert policy["spec"]["ingress"] == [{"ports": [{"port": "status", "protocol": "TCP"}]}]
