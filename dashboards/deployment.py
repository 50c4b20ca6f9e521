"""One CakeDeployment: what it promised, what it does, and why."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from cake_operator.observe.promql import selector
from cake_operator.observe.queries.latency import INTER_TOKEN_LATENCY, TTFT
from cake_operator.render.slo_rules import BUDGET_LEFT, BURN_RATE, LATENCY, LATENCY_MISSED
from dashboards.layout import Line, annotation, choice, graph, page, states
from dashboards.promql import OWNER, latest, narrowed, one, percentile, summed, total_rate

__all__ = ["dashboard"]

Panels = list[Builder[Panel]]

TIER = (*OWNER, "tier")


def dashboard() -> Dashboard:
    """Cake / Deployment."""
    known = "cake_operator_condition"
    variables = [
        choice("namespace", f"label_values({selector(known)}, namespace)"),
        choice("deployment", f"label_values({selector(known, '$namespace')}, cake_dev_deployment)"),
    ]
    rows = {
        "Objective": _objective(),
        "Cake": _cake(),
        "Load": _load(),
        "Tiers": _tiers(),
        "Knobs": _knobs(),
        "Scaling": _scaling(),
    }
    edited, turned = (
        f"changes({latest(one('cake_operator_generation', of=of))}[2m:15s]) > 0" for of in ("spec", "balance")
    )
    annotations = [
        annotation("spec edited by somebody", edited, "blue"),
        annotation("knobs turned by the operator", f"{turned} unless on ({','.join(OWNER)}) {edited}", "orange"),
    ]
    return page("cake-deployment", "Cake / Deployment", variables, rows, annotations)


def _objective() -> Panels:
    latencies = [
        _latency("Time to first token", TTFT, "ttft"),
        _latency("Latency between tokens", INTER_TOKEN_LATENCY, "inter_token_latency"),
    ]
    return [
        *latencies,
        graph(
            "Minutes that missed",
            Line(latest(one(LATENCY_MISSED), (*OWNER, "latency")), "{{latency}}"),
            shows="1 in each minute in which a latency missed its target.",
            bad="Single minutes are what the error budget is for. A block of them: see what changed when it began, in "
            "the marks and in Scaling.",
        ),
        graph(
            "Burn rates",
            Line(latest(one(BURN_RATE), (*OWNER, "window")), "over {{window}}"),
            shows="How many times faster than planned the error budget is being spent, by window.",
            bad="Above 1 the budget ends before its window does; runbook CakeSLOBudgetBurn.",
            span=12,
        ),
        graph(
            "Error budget left",
            Line(latest(one(BUDGET_LEFT)), "left"),
            shows="The share of the error budget that is left; below 0 the objective is missed.",
            bad="Little left: no experiments. Raise minReplicas or the target, or make storage faster.",
            unit="percentunit",
            floor=None,
            span=12,
        ),
    ]


def _latency(title: str, histogram: str, latency: str) -> Builder[Panel]:
    return graph(
        title,
        *(Line(percentile(share, one(f"{histogram}_bucket")), f"p{share * 100:g}") for share in (0.5, 0.9, 0.99)),
        Line(latest(one(LATENCY, latency=latency), (*OWNER, "percentile")), "p{{percentile}} as judged"),
        Line(
            latest(one("cake_operator_slo_target_seconds", latency=latency), (*OWNER, "percentile")),
            "target",
            bound=True,
        ),
        shows="Percentiles over all pods, and the target of the slo.",
        bad="p50 and p99 rise together: too few replicas, see Load. p99 alone: long prompts or a slow tier, see Cake "
        "and Tiers.",
        unit="s",
    )


def _cake() -> Panels:
    met = (
        Line(percentile(0.5, one("cake_meeting_point_ratio_bucket", kind=kind)), f"{kind}, median")
        for kind in ("predicted", "actual")
    )
    low = Line(percentile(0.1, one("cake_meeting_point_ratio_bucket", kind="actual")), "actual, p10")
    tokens = total_rate(one("cake_prefix_tokens_total"), (*TIER, "outcome"))
    return [
        graph(
            "Meeting point",
            *met,
            low,
            shows="Where compute and loads met: 0 all loaded, 1 all computed.",
            bad="At 1: loading is of no use, so storage is slow or empty. At 0: compute has no part, and more storage "
            "speed helps more than more GPUs. Predicted far from actual: see the cost error.",
            unit="percentunit",
        ),
        graph(
            "Prefix tokens by outcome and tier",
            Line(tokens, "{{outcome}} {{tier}}"),
            shows="Tokens of stored prefixes a second, by how they came to the device.",
            bad="duplicated above a tenth: loads arrive late; see read latency. None at all: prompts share no prefix, "
            "or pods do not find them; runbook CakeCacheNotHelping.",
            stacked=True,
        ),
        graph(
            "Cost error",
            Line(latest(one("cake_cost_error_ratio"), (*OWNER, "resource")), "{{resource}}"),
            shows="How far what steps and reads took was from what was expected, lately.",
            bad="Above 0.5 for long: the volume's speed swings, or another load shares the GPU.",
            unit="percentunit",
        ),
        graph(
            "Stalls",
            Line(total_rate(one("cake_stall_seconds_total")), "seconds a second"),
            shows="Time in which a request could do nothing but wait for its loads.",
            bad="With LoadOnly it is the price of that mode. With Adaptive: reads are late, see read latency.",
            quiet="No request stood still.",
        ),
        graph(
            "Loads given up",
            Line(total_rate(one("cake_load_fallbacks_total"), (*OWNER, "reason")), "{{reason}}"),
            Line(total_rate(one("cake_load_cancels_total")), "cancelled"),
            shows="Loads that were computed instead, by reason; reads taken back before they began.",
            bad="deadline, io_error: the volume hangs or fails; runbook CakeTierDegraded.",
            quiet="No load was given up.",
        ),
        graph(
            "Blocks refused",
            Line(total_rate(one("cake_block_rejects_total"), (*OWNER, "reason")), "{{reason}}"),
            shows="Stored blocks that were not what was asked for.",
            bad="Any that go on: cake-engine store verify on the claim tells which files are damaged.",
            quiet="No block was refused.",
        ),
    ]


def _load() -> Panels:
    return [
        graph(
            "Requests",
            Line(summed(one("vllm:num_requests_running")), "running"),
            Line(summed(one("vllm:num_requests_waiting")), "waiting"),
            shows="In execution, and in the queues of the engines.",
            bad="Waiting stays above 0: too few replicas, or a KV cache that is too small (preemptions).",
        ),
        graph(
            "Tokens",
            Line(total_rate(one("vllm:prompt_tokens_total")), "prompts"),
            Line(total_rate(one("vllm:generation_tokens_total")), "answers"),
            shows="Tokens a second that come in and go out.",
            bad="Answers fall while prompts rise: prefill takes the steps; prefixTokenShare holds it back.",
        ),
        graph(
            "KV cache of the GPU",
            Line(latest(one("vllm:kv_cache_usage_perc"), (*OWNER, "pod")), "{{pod}}"),
            shows="Part of the blocks in use, by pod.",
            bad="Full with requests waiting: memory is what bounds them; more replicas, or more memory for KV.",
            unit="percentunit",
        ),
        graph(
            "Preemptions",
            Line(total_rate(one("vllm:num_preemptions_total")), "requests a second"),
            shows="Requests that were put back for want of blocks, and begin anew.",
            bad="Any that go on: fewer requests at once (--max-num-seqs), or more memory for KV.",
            span=12,
        ),
        graph(
            "Offered",
            Line(total_rate(one("cake_offered_compute_seconds_total")), "compute, seconds a second"),
            shows="Compute that the prompts which arrive would take alone, without any load.",
            bad="Above the number of ready replicas, compute alone cannot keep up: loads must.",
            span=12,
        ),
    ]


def _tiers() -> Panels:
    read_p99 = percentile(0.99, one("cake_tier_read_seconds_bucket"), ("tier",))
    write_p99 = percentile(0.99, one("cake_tier_write_seconds_bucket"), ("tier",))
    return [
        graph(
            "Read and written",
            Line(total_rate(one("cake_tier_read_bytes_total"), TIER), "{{tier}} read"),
            Line(total_rate(one("cake_tier_write_bytes_total"), TIER), "{{tier}} written"),
            shows="Bytes a second, over all pods.",
            bad="Flat at the volume's limit: it is the bottleneck. Writes as large as reads slow them down: tuning "
            "cuts writeBandwidth, see Knobs.",
            unit="Bps",
        ),
        graph(
            "Latency of a block",
            Line(read_p99, "{{tier}} read, p99"),
            Line(write_p99, "{{tier}} write, p99"),
            shows="From a block's turn until it is verified in memory, or published.",
            bad="Rises with the rate: saturation. Rises without: the volume, or somebody else on it; see Cake / Claim.",
            unit="s",
        ),
        graph(
            "Reads that wait or run",
            Line(summed(one("cake_tier_queue_depth"), TIER), "{{tier}}"),
            shows="Of a tier, over all pods.",
            bad="Grows without end: more is asked for than the tier gives; minimumLoadTokens asks for less.",
        ),
        graph(
            "Used",
            Line(latest(one("cake_tier_used_bytes"), TIER), "{{tier}}"),
            Line(latest(one("cake_tier_capacity_bytes"), TIER), "{{tier}} capacity", bound=True),
            shows="Bytes on a tier, and what it may hold.",
            bad="Full is normal. Above its capacity: two specs disagree about a claim; see the condition TierDegraded.",
            unit="bytes",
        ),
        graph(
            "Evictions",
            Line(total_rate(one("cake_tier_evictions_total"), TIER), "{{tier}}"),
            shows="Blocks that left, to hold capacity or age.",
            bad="As many as are written, and few loaded: the tier is too small for what is asked again.",
            quiet="Nothing had to leave.",
        ),
        graph(
            "Blocks not stored",
            Line(total_rate(one("cake_tier_write_skips_total"), (*TIER, "reason")), "{{tier}} {{reason}}"),
            shows="Blocks a second that were computed and not kept, by reason.",
            bad="no_space, denied, io_error: runbook CakeTierDegraded. queue_full: writes are slower than compute, or "
            "give way to reads of the volume for long.",
            quiet="All blocks were stored.",
        ),
    ]


def _knobs() -> Panels:
    shares, rates = (
        latest(narrowed(one("cake_knob"), "knob", "=~", names), (*OWNER, "knob", "tier"))
        for names in ("retainFrom|prefetchShare|prefixTokenShare|staticMeetingPoint", "loadBandwidth|writeBandwidth")
    )
    return [
        graph(
            "Knobs that are shares",
            Line(shares, "{{knob}}"),
            shows="As the engines run with them. Marks tell whether the operator turned them or somebody edited the "
            "spec.",
            bad="status.balance.reason says why they are so: kubectl get cake NAME -o yaml.",
            unit="percentunit",
        ),
        graph(
            "Bandwidth caps",
            Line(f"{rates} < +Inf", "{{knob}} {{tier}}"),
            shows="For each pod and tier; a tier without a line is not capped.",
            bad="A cap that stays low: writes slow reads down; a faster volume, or tuning Off with a cap of your own.",
            unit="Bps",
            quiet="No tier is capped.",
        ),
        graph(
            "Generations",
            Line(latest(one("cake_operator_generation", of="balance")), "written"),
            Line(latest(one("cake_config_generation"), (*OWNER, "pod")), "{{pod}}"),
            Line(latest(one("cake_config_rejects_total"), (*OWNER, "pod")), "{{pod}} refused"),
            shows="Of the live configuration: as written, and as each pod runs with it.",
            bad="A pod behind for minutes: runbook CakeEngineConfigNotApplied.",
        ),
    ]


def _scaling() -> Panels:
    target = latest(one("cake_operator_slo_target_seconds"), (*OWNER, "latency"))
    replicas = (Line(latest(one("cake_operator_replicas", state=state)), state) for state in ("desired", "ready"))
    conditions = latest(one("cake_operator_condition"), (*OWNER, "type", "status", "reason"))
    return [
        graph(
            "Replicas",
            *replicas,
            Line(latest(one("cake_operator_replicas_max")), "maxReplicas", bound=True),
            shows="What was decided, what serves, and the bound.",
            bad="At the bound with targets missed: runbook CakeScalingAtMax.",
        ),
        graph(
            "What asks for replicas",
            Line(f"{latest(one(LATENCY), (*OWNER, 'latency'))} / {target}", "{{latency}} over its target"),
            shows="Each latency over its target: above 0.9 it asks for more, below 0.5 for fewer. The larger decides.",
            bad="status.scaling.reason has the sentence. Nothing here: no slo, or no figures.",
        ),
        states(
            "Conditions",
            Line(conditions, "{{type}} {{status}} {{reason}}"),
            shows="As they were over time.",
            bad="kubectl describe cakedeployment NAME has what each of them says.",
        ),
    ]
