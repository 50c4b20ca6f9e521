"""`cake-simulate`: how a CakeDeployment would serve a trace on some hardware, before any of it is bought."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cake_simulator import deployment, hardware, page, sweeping, trace
from cake_simulator.deployment import Assumed, DeploymentError
from cake_simulator.hardware import Hardware, HardwareError
from cake_simulator.page import Found
from cake_simulator.router import Routing
from cake_simulator.scraping import Scraping
from cake_simulator.simulation import simulate
from cake_simulator.sweeping import SweepError
from cake_simulator.trace import Request, TraceError


def main(given: Sequence[str] | None = None) -> int:
    """Exit 2 when something given cannot be used."""
    options = command_line().parse_args(given)
    try:
        return _run(options, " ".join(["cake-simulate", *(sys.argv[1:] if given is None else given)]))
    except (DeploymentError, HardwareError, SweepError, TraceError, ValueError, OSError) as error:
        print(f"cake-simulate: {error}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace, command: str) -> int:
    cake, profile = deployment.read(options.deployment), _profile(options)
    scraping = Scraping(options.scrape_interval, options.scrape_delay, options.scrape_loss)
    assumed = Assumed(routing=Routing(options.routing), scraping=scraping, seed=options.seed)
    requests, found = _requests(options), []
    for case in sweeping.cases(cake, profile, assumed, [sweeping.parse(one) for one in options.sweep]):
        found.append(Found(case, simulate(case.setup, requests(), case.policy, tuner=case.tuner)))
    result = found[0].result
    said = f"{result.arrived} requests of {options.trace.name} in {result.seconds:.0f} s"
    if options.json:
        rows = [{"run": dict(one.case.values), **figures(one)} for one in found]
        print(json.dumps({"deployment": cake.metadata.name, "hardware": options.hardware, "runs": rows}, indent=1))
    else:
        print(f"{cake.metadata.name} on {profile.description}, {said} (simulated)")
        print(page.text(found))
    if options.html:
        options.html.write_text(page.html(found, cake.metadata.name, profile, said, command))
    return 0


def figures(found: Found) -> dict[str, float | int | None]:
    """A run as numbers, in base units."""
    result, tally = found.result, found.result.tally
    return {
        "requests": tally.ended,
        "attainment": tally.attainment,
        "replica_hours": result.replica_hours,
        "hopeless": tally.hopeless,
        "broken": tally.broken,
        **{f"ttft_p{p}_seconds": tally.ttft.at(p) for p in (50, 90, 99)},
        **{f"inter_token_p{p}_seconds": tally.gaps.at(p) for p in (50, 90, 99)},
        "preemptions": result.preemptions,
        "skipped_writes": result.skipped_writes,
        **{f"prefix_tokens_{way}": tokens for way, tokens in result.prefix_tokens.items()},
    }


def _profile(options: argparse.Namespace) -> Hardware:
    profile = hardware.load(options.hardware)
    if options.cold_start is not None:
        profile = profile.model_copy(update={"cold_start_seconds": options.cold_start})
    return profile


def _requests(options: argparse.Namespace) -> Callable[[], Iterator[Request]]:
    def requests() -> Iterator[Request]:
        if options.seconds is None:
            stream = trace.spread(trace.read(options.trace), seed=options.seed)
        else:
            stream = trace.repeated(options.trace, options.seconds, options.seed)
        return trace.scaled(stream, options.rate, options.length, options.seed)

    return requests


def command_line() -> argparse.ArgumentParser:
    """The arguments."""
    parser = argparse.ArgumentParser(
        prog="cake-simulate", description="How a CakeDeployment would serve a trace on some hardware."
    )
    parser.add_argument("deployment", type=Path, help="YAML file with one CakeDeployment")
    parser.add_argument("--trace", type=Path, required=True, help="requests in Mooncake's form, a JSON object a line")
    known = ", ".join(hardware.profiles())
    parser.add_argument("--hardware", required=True, help=f"file of a profile, or one of {known}")
    parser.add_argument("--rate", type=_positive, default=1.0, help="times as many conversations (1)")
    parser.add_argument("--length", type=_positive, default=1.0, help="times as many tokens in a prompt (1)")
    parser.add_argument("--seconds", type=_positive, help="so long; the trace is cut, or goes on from its start")
    parser.add_argument(
        "--sweep",
        action="append",
        default=[],
        metavar="WHAT=VALUES",
        help="replicas=1..8, bandwidth=1G,4G, codec=1,0.5",
    )
    parser.add_argument("--html", type=Path, help="write a page with charts")
    parser.add_argument("--json", action="store_true", help="print figures as JSON")
    parser.add_argument("--routing", choices=[one.value for one in Routing], default="random", help="(random)")
    parser.add_argument("--cold-start", type=float, help="seconds until a new replica is ready (the profile's)")
    parser.add_argument("--scrape-interval", type=_positive, default=15.0, help="seconds (15)")
    parser.add_argument("--scrape-delay", type=float, default=2.0, help="seconds until a scrape can be asked for (2)")
    parser.add_argument("--scrape-loss", type=float, default=0.0, help="share of scrapes that fail (0)")
    parser.add_argument("--seed", type=int, default=0, help="of all chance (0)")
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text}: write a number above zero")
    return value
