"""The demo from the first line to the last: a page that reads as the story that it tells."""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table

from cake_engine.config import Mode
from demo import comparing, installation, load, report, scaling, tuning
from demo.charts import Span
from demo.checks import Check, checks
from demo.conversations import ChatFormat, Conversation
from demo.documents import Document, documents, standard_library
from demo.fitting import fitted
from demo.installation import CHECKOUT
from demo.load import Bench
from demo.measure import COLUMNS, rows
from demo.model import model_folder
from demo.narration import Narration
from demo.pacing import kv_bytes_per_token
from demo.prometheus import Recorded
from demo.served import Served, ready
from demo.server import Server
from demo.stage import NAME, NAMESPACE, SHARED_TIER, Stage
from tests.localcluster import Cluster

EXAMPLE = CHECKOUT / "examples" / "cakedeployment.yaml"
CONVERSATIONS, DOCUMENT_TOKENS = 5, 3000
BURST_DOCUMENTS, BURST_TOKENS = 8, 1000
#: A cluster elsewhere may have to pull an image of gigabytes first.
READY_TIMEOUT_SECONDS = 600.0


def run(cluster: Cluster, narration: Narration, page: Path) -> list[Check]:
    """Run the whole demo on a cluster and write the report.

    Args:
        cluster: One with a node.
        narration: Where progress is told.
        page: The report.

    Returns:
        What happened and what did not.
    """
    load.begin_import()
    model = model_folder()
    install(cluster, narration, model)
    with started(cluster, narration, model) as stage:
        comparison = compare(stage, kv_bytes_per_token(json.loads((model / "config.json").read_text())))
        stage.say("The tuner: more of the same, until the operator turns a knob and the pods confirm it")
        retuned = tuning.wait_for_retuning(stage, comparison.turns)
        tell_retunings(stage, retuned)
        scaled = scaling.scale_up_and_back(stage, _documents(stage.form, BURST_TOKENS, BURST_DOCUMENTS))
        for reason in scaled.reasons:
            stage.detail(reason)
        verdicts = checks(comparison, retuned, scaled)
        found = report.Findings(comparison, retuned, scaled, verdicts, narration.moments, machine(stage.served))
        write_report(stage, found, page)
    tell(narration, found, page)
    return verdicts


def install(cluster: Cluster, narration: Narration, model: Path) -> None:
    """Bring everything into the cluster but the CakeDeployment."""
    narration.say("Images, the operator by its Helm chart, Prometheus, and two claims: the model, and one to share")
    installation.install(cluster, NAMESPACE, example())
    cluster.filled_claim(NAMESPACE, "models", model.parent)
    cluster.shared_claim(NAMESPACE, "kv")


def example() -> dict[str, Any]:
    """The CakeDeployment of the demo, in its namespace."""
    resource: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    resource["metadata"]["namespace"] = NAMESPACE
    return resource


@contextmanager
def started(cluster: Cluster, narration: Narration, model: Path) -> Iterator[Stage]:
    """Apply the example, and yield the stage once it serves."""
    engine = cluster.engine(NAMESPACE)
    narration.say(f"kubectl apply -n {NAMESPACE} -f {EXAMPLE.relative_to(CHECKOUT)}")
    if engine:
        narration.detail(f"with what this cluster needs besides: spec.engine.{{{', '.join(engine)}}}")
    with Served(cluster, NAMESPACE, NAME) as served, tempfile.TemporaryDirectory(prefix="cake-demo-") as folder:
        cluster.apply(fitted(example(), engine))
        served.wait("Ready", ready, READY_TIMEOUT_SECONDS)
        narration.detail(served.kubectl("get", "cakedeployment").rstrip().replace("\n", "\n        "))
        server = Server(cluster.reach(NAMESPACE, NAME))
        recorded = Recorded(cluster.reach(NAMESPACE, "prometheus"), NAMESPACE, NAME)
        with Bench(server.url, served.now.spec.model.name, model, Path(folder)) as bench:
            yield Stage(narration, served, server, bench, recorded, ChatFormat(model))


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


def tell(narration: Narration, found: report.Findings, page: Path) -> None:
    """Print the table and the verdicts."""
    console = narration.console
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


def machine(served: Served) -> str:
    """Return the machine that a pod runs on, in words."""
    info = served.kubectl("exec", f"deployment/{served.name}", "--", "cat", "/proc/cpuinfo").splitlines()
    fields = [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in info)]
    cores = sum(key == "processor" for key, _ in fields)
    name = next((value for key, value in fields if key == "model name"), "an unknown processor")
    return f"{cores} cores of {name}"


def _documents(form: ChatFormat, tokens: int, count: int) -> list[Document]:
    found = documents(form.token_ends, tokens=tokens, folder=standard_library())
    return list(itertools.islice(found, count))
