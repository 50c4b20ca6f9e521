"""All CakeDeployments of the namespaces that are chosen, and the operator itself."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from cake_operator.observe.promql import selector
from cake_operator.render.slo_rules import ATTAINMENT, BUDGET_LEFT, BURN_RATE
from dashboards.layout import Line, choice, columns, graph, page
from dashboards.promql import OWNER, aggregate, anywhere, latest, narrowed, operators, rate, summed, total_rate

__all__ = ["dashboard"]

Panels = list[Builder[Panel]]

WHO = "{{namespace}}/{{cake_dev_deployment}}"
OPEN = "Open the dashboard Cake / Deployment of the one that stands out"
# What a condition says when all is well; a condition that is missing is not told of here.
WELL = {
    "Ready": "True",
    "SLOMet": "True|Unknown",
    "MetricsAvailable": "True",
    "BalanceApplied": "True",
    "TierDegraded": "False",
    "ReplicasContested": "False",
}


def dashboard() -> Dashboard:
    """Cake / Fleet."""
    variables = [
        choice("namespace", f"label_values({selector('cake_operator_condition')}, namespace)", several=True),
        choice("operator", "label_values(cake_operator_acting{}, namespace)", several=True),
    ]
    rows = {"Objectives": _objectives(), "Load": _load(), "Compute against I/O": _balance(), "Operator": _operator()}
    return page("cake-fleet", "Cake / Fleet", variables, rows)


def _objectives() -> Panels:
    conditions = " or ".join(
        latest(
            narrowed(anywhere("cake_operator_condition", type=kind), "status", "!~", well),
            (*OWNER, "type", "status", "reason"),
        )
        for kind, well in WELL.items()
    )
    return [
        columns(
            "Objectives",
            Line(latest(anywhere(ATTAINMENT)), "attainment", unit="percentunit"),
            Line(latest(anywhere("cake_operator_slo_objective_ratio")), "objective", unit="percentunit"),
            Line(latest(anywhere(BUDGET_LEFT)), "error budget left", unit="percentunit"),
            Line(latest(anywhere(BURN_RATE)), "fastest burn rate"),
            Line(latest(anywhere("cake_operator_replicas", state="ready")), "ready"),
            Line(latest(anywhere("cake_operator_replicas", state="desired")), "desired"),
            shows="Each CakeDeployment: the share of its window in which the targets were met, what is left of the "
            "error budget (1: all, below 0: overdrawn), and the fastest present burn rate (1 spends it exactly).",
            bad=f"{OPEN}; then the runbook CakeSLOBudgetBurn. Empty columns: no slo, or the rules are not loaded.",
        ),
        graph(
            "Error budget left",
            Line(latest(anywhere(BUDGET_LEFT)), WHO),
            shows="The share of the error budget that is left.",
            bad=f"A steep fall is an incident, a long slope a fleet that is too small. {OPEN}.",
            unit="percentunit",
            span=24,
            floor=None,
        ),
        columns(
            "Conditions that are not as they should be",
            Line(conditions, "now"),
            shows="Every condition that says something is wrong, with its reason.",
            bad="kubectl describe cakedeployment NAME -n NAMESPACE has the sentence that says what to do.",
            hidden=("Value",),
            quiet="All are as they should be.",
        ),
    ]


def _load() -> Panels:
    replicas = (
        Line(latest(anywhere("cake_operator_replicas", state=state)), f"{WHO} {state}")
        for state in ("ready", "desired")
    )
    return [
        graph(
            "Replicas",
            *replicas,
            shows="Pods that take requests, and pods that shall.",
            bad="Fewer ready than desired for long: kubectl get pods -l cake.dev/deployment=NAME, then the condition "
            "Progressing.",
        ),
        graph(
            "Requests waiting",
            Line(summed(anywhere("vllm:num_requests_waiting")), WHO),
            shows="Requests in the queues of all engines of a CakeDeployment.",
            bad="A queue that does not empty misses the TTFT target soon: raise scaling.maxReplicas, or see what holds "
            f"scaling back. {OPEN}.",
        ),
        graph(
            "Tokens",
            Line(total_rate(anywhere("vllm:prompt_tokens_total")), f"{WHO} prompts"),
            Line(total_rate(anywhere("vllm:generation_tokens_total")), f"{WHO} answers"),
            shows="Tokens a second that come in and go out.",
            bad="A sudden zero with pods ready: nobody asks, or no request reaches the Service.",
        ),
    ]


def _balance() -> Panels:
    tokens = total_rate(anywhere("cake_prefix_tokens_total"), (*OWNER, "outcome"))
    claims = latest(anywhere("cake_operator_tier_claim"), ("namespace", "claim", "cake_dev_deployment", "tier"))
    used, capacity = (
        aggregate(
            "max",
            f"{latest(anywhere(metric), (*OWNER, 'tier'))} * on (namespace,cake_dev_deployment,tier) "
            f"group_left (claim) {claims}",
            ("namespace", "claim"),
        )
        for metric in ("cake_tier_used_bytes", "cake_tier_capacity_bytes")
    )
    return [
        graph(
            "Prefix tokens by outcome",
            Line(aggregate("sum", tokens, ("outcome",)), "{{outcome}}"),
            shows="Tokens of stored prefixes a second: computed, loaded, or both (duplicated).",
            bad="Nothing loaded although prompts share prefixes: runbook CakeCacheNotHelping. Much duplicated: see the "
            "cost error in Cake / Deployment.",
            stacked=True,
        ),
        graph(
            "Compute that prompts offer",
            Line(total_rate(anywhere("cake_offered_compute_seconds_total")), WHO),
            shows="Seconds of compute a second that stored prefixes and prompts would take alone: above the number of "
            "replicas, compute alone cannot keep up.",
            bad="Add replicas, or storage that is fast enough to take its share.",
        ),
        graph(
            "Bytes that stored prefixes offer",
            Line(total_rate(anywhere("cake_offered_load_bytes_total")), WHO),
            shows="Bytes a second that loading all stored prefixes would take: compare with what the volume can give.",
            bad="Far above the volume's rate: more replicas only bring their compute; a faster volume brings more.",
            unit="Bps",
        ),
        graph(
            "Claims: fullness",
            Line(f"{used} / {capacity}", "{{namespace}}/{{claim}}"),
            shows="Bytes stored on a claim, of what its tiers may hold.",
            bad="Full is normal: the least useful goes. Evictions of what is soon wanted again show in Cake / Claim.",
            unit="percentunit",
            span=24,
        ),
    ]


def _operator() -> Panels:
    p99 = f"histogram_quantile(0.99, sum by (le) ({rate(operators('cake_operator_reconcile_seconds_bucket'))}))"
    answered = latest(operators("cake_operator_observed_timestamp_seconds"), ("namespace",))
    logs = "kubectl logs -n cake-system deployment/cake-operator has the reason"
    return [
        graph(
            "Replicas of the operator that act",
            Line(aggregate("sum", operators("cake_operator_acting"), ("namespace",)), "{{namespace}}"),
            shows="One of them acts, by lease, for each release of the chart.",
            bad="0 for more than a minute: runbook CakeOperatorDown.",
            span=6,
        ),
        graph(
            "Reconciles",
            Line(aggregate("sum", rate(operators("cake_operator_reconciles_total")), ("outcome",)), "{{outcome}}"),
            shows="Looks at single CakeDeployments a second, by how they ended.",
            bad=f"failed: the API server refused or did not answer; each is tried again. {logs}.",
            span=6,
        ),
        graph(
            "Time of a reconcile, and the queue",
            Line(p99, "p99 in seconds"),
            Line(latest(operators("cake_operator_queue_depth"), ("namespace",)), "waiting"),
            shows="How long one takes, and how many wait for theirs.",
            bad="Both grow: the API server is slow or throttles; see requests by code.",
            span=6,
        ),
        graph(
            "Age of the figures",
            Line(f"time() - ({answered} > 0)", "{{namespace}}"),
            shows="Seconds since Prometheus last answered the operator's batched query.",
            bad="Above a minute: prometheus.url is wrong, or that Prometheus is down or overloaded. Replicas and knobs "
            "are held meanwhile.",
            unit="s",
            span=6,
        ),
        graph(
            "Requests to the API server",
            Line(
                aggregate("sum", rate(operators("cake_operator_api_requests_total")), ("verb", "code")),
                "{{verb}} {{code}}",
            ),
            shows="By verb and status; an idle fleet has next to no patch.",
            bad="403: the chart's roles are not those of this version. 409 and 429 pass. A steady patch without "
            "changes: somebody else writes the same objects.",
            span=12,
        ),
        graph(
            "Decisions",
            Line(
                aggregate("sum", rate(operators("cake_operator_decisions_total")), ("kind", "outcome")),
                "{{kind}} {{outcome}}",
            ),
            shows="What was decided about replicas and knobs: changed, kept, or held for want of figures.",
            bad="held: see the condition MetricsAvailable, and the age of the figures.",
            span=12,
        ),
    ]
