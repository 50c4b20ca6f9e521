from __future__ import annotations

import json
from pathlib import Path

import pytest

from cake_engine.config import Mode
from cake_simulator import hardware
from cake_simulator.cli import main
from cake_simulator.deployment import Assumed, DeploymentError, policy, read, setup
from cake_simulator.sweeping import SweepError, cases, parse
from tests.unit.simulator.test_trace import EXCERPT

CHAT = """\
apiVersion: cake.dev/v1alpha1
kind: CakeDeployment
metadata: {name: chat}
spec:
  model: {name: llama, source: {persistentVolumeClaim: {claimName: models, path: llama}}}
  engine: {args: ["--max-num-seqs=32", "--max-num-batched-tokens", "1024"]}
  kvTiers:
  - {name: memory, memory: {}, capacity: 64Gi}
  - {name: scratch, emptyDir: {}, capacity: 100Gi}
  - {name: shared, persistentVolumeClaim: {claimName: kv}, capacity: 2Ti, ttl: 1h}
  balance: {mode: LoadOnly, knobs: {prefetchShare: 0.25}}
  slo: {ttft: {target: 2500ms, percentile: 95}, interTokenLatency: {target: 100ms}}
  scaling: {minReplicas: 2, maxReplicas: 8}
"""


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    path = tmp_path / "chat.yaml"
    path.write_text("kind: ConfigMap\n---\n" + CHAT)
    return path


def simulated(capsys: pytest.CaptureFixture[str], chat: Path, *arguments: str) -> tuple[int, str, str]:
    given = [str(chat), "--trace", str(EXCERPT), "--hardware", "h100-llama-3.1-8b", "--seconds", "20", *arguments]
    code = main(given)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_a_deployment_is_taken_at_its_word(chat: Path) -> None:
    made = setup(read(chat), hardware.load("h100-llama-3.1-8b"), Assumed(bandwidth=1e9))
    assert (made.limits.step_tokens, made.limits.seats) == (1024, 32)
    assert (made.replicas, made.fewest, made.most) == (2, 2, 8)
    assert (made.live.mode, made.live.prefetch_share) == (Mode.LOAD_ONLY, 0.25)
    assert made.memory_bytes == 64 * 2**30
    scratch, shared = made.tiers
    assert (scratch.shared, shared.shared, shared.ttl_seconds) == (False, True, 3600)
    assert shared.speed.bytes_per_second == 1e9
    assert (made.objective.ttft, made.objective.inter_token, made.ttft_percentile) == (2.5, 0.1, 95)
    assert policy(read(chat), made).slo is not None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("kind: CakeDeployment", "kind: Deployment"), "has 0 documents of kind CakeDeployment; write a file with one"),
        (("minReplicas: 2", "minReplicas: 9"), "minReplicas is above maxReplicas"),
        (("spec:", "spec: ["), "not YAML"),
    ],
)
def test_a_file_that_is_no_deployment_is_refused_with_what_to_write(
    chat: Path, change: tuple[str, str], complaint: str
) -> None:
    chat.write_text(CHAT.replace(*change))
    with pytest.raises(DeploymentError, match=complaint):
        read(chat)


def test_an_argument_that_is_no_number_is_refused(chat: Path) -> None:
    chat.write_text(CHAT.replace("--max-num-seqs=32", "--max-num-seqs=many"))
    with pytest.raises(DeploymentError, match=r"--max-num-seqs needs a number above zero, as in --max-num-seqs=512"):
        setup(read(chat), hardware.load("h100-llama-3.1-8b"), Assumed())


@pytest.mark.parametrize("name", hardware.profiles())
def test_a_profile_names_its_sources_and_holds_a_long_prompt(name: str) -> None:
    profile = hardware.load(name)
    assert len(profile.sources) >= 3
    assert profile.kv_tokens > 32_000
    assert 0.5 < profile.device.prefill(16384, 512) < 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("replicas=1..3", ("replicas", ["1", "2", "3"])),
        ("replicas=2,8", ("replicas", ["2", "8"])),
        ("bandwidth=1G,4Gi", ("bandwidth", ["1G", "4Gi"])),
        ("codec=Raw,0.5", ("codec", ["Raw", "0.5"])),
    ],
)
def test_a_sweep_is_a_dimension_and_its_values(text: str, expected: tuple[str, list[str]]) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text", ["replicas", "replicas=", "replicas=0..2", "replicas=a", "bandwidth=1K", "size=3", "codec=x"]
)
def test_a_sweep_that_cannot_be_read_says_how_it_is_written(text: str) -> None:
    with pytest.raises(SweepError, match=r"write one of replicas|takes"):
        parse(text)


def test_every_combination_is_run_with_what_it_varies(chat: Path) -> None:
    sweep = [parse("replicas=3,4"), parse("bandwidth=1G,2G"), parse("codec=0.5")]
    found = list(cases(read(chat), hardware.load("h100-llama-3.1-8b"), Assumed(), sweep))
    assert [one.name for one in found][:2] == [
        "replicas 3, bandwidth 1G, codec 0.5",
        "replicas 3, bandwidth 2G, codec 0.5",
    ]
    assert [one.setup.replicas for one in found] == [3, 3, 4, 4]
    assert [one.setup.tiers[1].speed.bytes_per_second for one in found] == [1e9, 2e9, 1e9, 2e9]
    assert {one.setup.stored_ratio for one in found} == {0.5}


def test_a_run_prints_its_figures_and_writes_a_page_that_stands_alone(
    chat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    code, out, err = simulated(capsys, chat, "--html", str(page))
    assert (code, err) == (0, "")
    assert "chat on Llama-3.1-8B" in out
    assert "attainment" in out
    assert "of the prompts take longer than the TTFT target on an idle replica" in out
    written = page.read_text()
    assert "<svg" in written
    assert "Table 5" in written
    assert not {"src=", "<link", "<script"} & set(written.split())


def test_a_sweep_prints_a_line_for_each_run_as_json_in_base_units(
    chat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    code, out, _ = simulated(capsys, chat, "--sweep", "replicas=2,4", "--json", "--html", str(page))
    runs = json.loads(out)["runs"]
    assert code == 0
    assert [one["run"] for one in runs] == [{"replicas": "2"}, {"replicas": "4"}]
    assert runs[1]["ttft_p90_seconds"] < runs[0]["ttft_p90_seconds"]
    assert "replicas 4" in page.read_text()


def test_the_same_seed_prints_the_same(chat: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (simulated(capsys, chat, "--rate", "0.5", "--scrape-loss", "0.2", "--json") for _ in range(2))
    assert first == second


def test_what_cannot_be_used_is_said_in_one_sentence(chat: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = simulated(capsys, chat, "--hardware", "h200")
    assert code == 2
    assert err.startswith(
        "cake-simulate: there is no hardware profile h200: write the path of a file, or one of 2xa100-"
    )
