"""One shared claim: who reads and writes it, how full it is, and what it refuses."""

from __future__ import annotations

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from cake_operator.observe.promql import selector
from dashboards.layout import Line, choice, graph, page
from dashboards.promql import OWNER, aggregate, latest, mounting, percentile, rate, summed, total_rate

__all__ = ["dashboard"]

Panels = list[Builder[Panel]]

TIER = (*OWNER, "tier")
WHO = "{{cake_dev_deployment}}"


def dashboard() -> Dashboard:
    """Cake / Claim."""
    known = "cake_operator_tier_claim"
    variables = [
        choice("namespace", f"label_values({selector(known)}, namespace)"),
        choice("claim", f"label_values({_here(known)}, claim)"),
    ]
    return page("cake-claim", "Cake / Claim", variables, {"Traffic": _traffic(), "What it holds": _holdings()})


def _here(metric: str, **labels: str) -> str:
    """The series of the namespace that is chosen."""
    return selector(metric, "$namespace", **labels)


def _traffic() -> Panels:
    read, written = (
        mounting(total_rate(_here(metric), TIER))
        for metric in ("cake_tier_read_bytes_total", "cake_tier_write_bytes_total")
    )
    seconds, reads = (total_rate(_here(f"cake_tier_read_seconds_{part}"), TIER) for part in ("sum", "count"))
    slowest = percentile(0.99, _here("cake_tier_read_seconds_bucket"), TIER)
    return [
        graph(
            "Who reads",
            Line(read, f"{WHO} {{{{tier}}}}"),
            shows="Bytes a second, by CakeDeployment.",
            bad="The sum is flat at what the volume gives: it is the bottleneck for all of them. loadBandwidth holds "
            "one of them back.",
            unit="Bps",
            stacked=True,
        ),
        graph(
            "Who writes",
            Line(written, f"{WHO} {{{{tier}}}}"),
            shows="Bytes a second, by CakeDeployment.",
            bad="Writes near the reads slow those down: writeBandwidth holds them back; with tuning Auto by itself.",
            unit="Bps",
            stacked=True,
        ),
        graph(
            "Latency of a read",
            Line(mounting(f"({seconds} / {reads})"), f"{WHO}, mean"),
            Line(mounting(slowest), f"{WHO}, p99"),
            shows="Of a block, as each CakeDeployment sees it.",
            bad="All of them rise: the volume. One rises: its node or its network.",
            unit="s",
        ),
        graph(
            "Reads that wait or run",
            Line(mounting(summed(_here("cake_tier_queue_depth"), TIER)), WHO),
            shows="Over all pods of a CakeDeployment.",
            bad="Grows for one alone: it asks for more than its share; raise its minimumLoadTokens.",
            span=24,
        ),
    ]


def _holdings() -> Panels:
    used, capacity = (
        aggregate("max", mounting(latest(_here(metric), TIER)), ("namespace",))
        for metric in ("cake_tier_used_bytes", "cake_tier_capacity_bytes")
    )
    keys = ",".join(OWNER)
    mounted = aggregate("max", selector("cake_operator_tier_claim", "$namespace", claim="$claim"), OWNER)
    rejects = aggregate("sum", rate(_here("cake_block_rejects_total")), (*OWNER, "reason"))
    skips = total_rate(_here("cake_tier_write_skips_total"), (*TIER, "reason"))
    return [
        graph(
            "Capacity",
            Line(used, "used"),
            Line(capacity, "capacity", bound=True),
            shows="Bytes stored, as last counted by whichever engine counts, and the largest capacity in a spec.",
            bad="Used above a smaller spec's capacity: the smaller one holds; make the specs agree.",
            unit="bytes",
        ),
        graph(
            "Evictions",
            Line(mounting(total_rate(_here("cake_tier_evictions_total"), TIER)), WHO),
            shows="Blocks removed a second, by the engine that does it: one of all that share the claim.",
            bad="As many as are written: nothing lives long enough to be read again. A larger claim, or codec: Zstd.",
            quiet="Nothing had to leave.",
        ),
        graph(
            "Blocks refused",
            Line(f"{rejects} * on ({keys}) group_left () {mounted}", f"{WHO} {{{{reason}}}}"),
            shows="Stored blocks that were not what was asked for, on all tiers of those that mount the claim.",
            bad="checksum: damage; cake-engine store verify names the files. fingerprint: two engines share one folder "
            "and differ in model or layout.",
            quiet="No block was refused.",
        ),
        graph(
            "Blocks not stored",
            Line(mounting(skips), f"{WHO} {{{{reason}}}}"),
            shows="Blocks a second that were computed and not kept, by reason.",
            bad="no_space: the volume is fuller than the tier's capacity says. denied: the claim's permissions.",
            span=24,
            quiet="All blocks were stored.",
        ),
    ]
