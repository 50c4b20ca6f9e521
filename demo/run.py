"""The demo from the first line to the last: a page that reads as the story that it tells."""

from __future__ import annotations

import itertools
import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cake_engine.config import Mode
from demo import comparing, installation, report, scaling, tuning
from demo.charts import Span
from demo.checks import Check, checks
from demo.conversations import ChatFormat, Conversation
from demo.documents import Document, documents, standard_library
from demo.installation import CHECKOUT, PROMETHEUS_URL, Fleet, Volume
from demo.load import Bench
from demo.measure import COLUMNS, rows
from demo.model import model_folder
from demo.pacing import kv_bytes_per_token
from demo.prometheus import Recorded
from demo.served import Served, ready
from demo.stage import NAME, NAMESPACE, SERVICE_URL, SHARED_TIER, Stage
from tests.localcluster import Cluster

EXAMPLE = CHECKOUT / "examples" / "cakedeployment.yaml"
CONVERSATIONS, DOCUMENT_TOKENS = 5, 3000
BURST_DOCUMENTS, BURST_TOKENS = 8, 1000
READY_TIMEOUT_SECONDS = 300.0


def run(cluster: Cluster, console: Console, page: Path, folder: Path) -> list[Check]:
    """Run the whole demo on a cluster and write the report.

    Args:
        cluster: One with a node.
        console: Where progress is told.
        page: The report.
        folder: Scratch for the shared claim and the load generator; the cluster may use it as long as it runs.

    Returns:
        What happened and what did not.
    """
    model = model_folder()
    form = ChatFormat(model)
    served = Served(cluster, NAMESPACE, NAME)
    with Bench(SERVICE_URL, "smollm2", model, Path(tempfile.mkdtemp(dir=folder, prefix="load-"))) as bench:
        stage = Stage(served, bench, Recorded(PROMETHEUS_URL, NAMESPACE, NAME), form, console)
        install(stage, cluster, folder)
        with served:
            start(stage)
            comparison = compare(stage, kv_bytes_per_token(json.loads((model / "config.json").read_text())))
            stage.say("The tuner: more of the same, until the operator turns a knob and the pods confirm it")
            retuned = tuning.wait_for_retuning(stage, comparison.turns)
            tell_retunings(stage, retuned)
            scaled = scaling.scale_up_and_back(stage, _documents(form, BURST_TOKENS, BURST_DOCUMENTS))
            for reason in scaled.reasons:
                stage.detail(reason)
        verdicts = checks(comparison, retuned, scaled)
        found = report.Findings(comparison, retuned, scaled, verdicts, stage.moments, machine())
        write_report(stage, found, page)
    tell(console, found, page)
    return verdicts


def install(stage: Stage, cluster: Cluster, folder: Path) -> None:
    """Bring everything into the cluster."""
    stage.say("Images, volumes, Prometheus, and the operator by its Helm chart")
    installation.load_images(cluster)
    shared = Path(tempfile.mkdtemp(dir=folder, prefix="shared-"))
    shared.chmod(0o777)  # the pods run as another user
    volumes = (
        installation.engine_environment(),
        Volume("models", model_folder().parent),
        Volume("kv", shared, read_only=False),
    )
    installation.prepare(cluster, Fleet(NAMESPACE, volumes))
    installation.install_prometheus(cluster)
    installation.install_operator(cluster)


def start(stage: Stage) -> None:
    """Apply the example and wait until it serves."""
    stage.say(f"kubectl apply -n {NAMESPACE} -f {EXAMPLE.relative_to(CHECKOUT)}")
    stage.served.kubectl("apply", "-f", str(EXAMPLE))
    stage.served.wait("Ready", ready, READY_TIMEOUT_SECONDS)
    stage.detail(stage.served.kubectl("get", "cakedeployment").rstrip().replace("\n", "\n        "))


def compare(stage: Stage, bytes_per_token: int) -> comparing.Comparison:
    """Play the modes with the load bandwidth that gives a data centre's balance, on one replica."""
    stage.say("First turns: they are computed, and fill the shared claim")
    # Fixed while modes are compared: the operator's scaling stands back.
    stage.served.kubectl("scale", "cakedeployment", NAME, "--replicas=1")
    comparing.switch(stage, Mode.COMPUTE_ONLY)
    pace = comparing.measure_pace(stage, bytes_per_token)
    stage.detail(pace.sentence())
    comparing.switch(stage, Mode.COMPUTE_ONLY, knobs={"loadBandwidth": {SHARED_TIER: str(pace.bytes_per_second)}})
    conversations = [Conversation(document) for document in _documents(stage.form, DOCUMENT_TOKENS, CONVERSATIONS)]
    opened = comparing.first_turns(stage, conversations, bytes_per_token)
    return comparing.compare(stage, opened, pace)


def tell_retunings(stage: Stage, retuned: Sequence[tuning.Retuning]) -> None:
    """Print what the tuner did."""
    for one in retuned:
        stage.detail(
            f"generation {one.generation}, confirmed by every ready pod: retainFrom {one.retain_from[0]:.2f} to "
            f"{one.retain_from[1]:.2f} ({one.reason})"
        )


def write_report(stage: Stage, found: report.Findings, page: Path) -> None:
    """Write report.html from what was found and what Prometheus recorded."""
    span = Span(found.moments[0].at, time.time())
    history = stage.served.history
    replicas = {
        "there": [(s.at, float(s.resource.status.replicas or 0)) for s in history],
        "ready": [(s.at, float(s.resource.status.ready_replicas or 0)) for s in history],
    }
    page.write_text(report.render(found, report.record(stage.recorded, span, replicas)), encoding="utf-8")


def tell(console: Console, found: report.Findings, page: Path) -> None:
    """Print the table and the verdicts."""
    table = Table(title=f"Time to first token by mode, on {found.machine}", title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == COLUMNS[0] else "right", no_wrap=True)
    for row in rows(found.comparison.runs):
        table.add_row(*row)
    console.print(table)
    console.print("Computed, Loaded: tokens of stored prefixes. Met at: 0 all loaded, 1 all computed.", highlight=False)
    console.print(found.comparison.pace.sentence(), highlight=False, soft_wrap=True)
    same, requests = found.comparison.same_answers, len(found.comparison.runs[0].texts)
    console.print(f"The answers are the same in all modes for {same} of {requests} requests.", highlight=False)
    for check in found.checks:
        console.print("[green]yes[/green]" if check.passed else "[bold red]NO [/bold red]", check.what, highlight=False)
    console.print(f"The report: {page}", highlight=False, soft_wrap=True)


def machine() -> str:
    """Return the machine in words."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = (line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name"))
    return f"{len(os.sched_getaffinity(0))} cores of {next(names, platform.processor() or 'an unknown processor')}"


def _documents(form: ChatFormat, tokens: int, count: int) -> list[Document]:
    found = documents(form.token_ends, tokens=tokens, folder=standard_library())
    return list(itertools.islice(found, count))
