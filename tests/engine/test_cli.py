"""`cake-engine serve`: what it refuses, what it runs, and a real server over loopback."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from cake_engine.cli import main
from cake_operator.api import CakeDeployment
from cake_operator.render.tls import FOLDER, tls_arguments, tls_environment
from tests.engine.mounted_secret import MountedSecret
from tests.engine.serving import prompt, write_config, write_live
from tests.localcluster import ports
from tests.localcluster.pki import Authority

PATIENCE_SECONDS = 600.0
PROMPT = prompt(1000, seed=5)
SECURED = CakeDeployment.model_validate(
    {
        "metadata": {"name": "chat", "namespace": "team-a"},
        "spec": {
            "model": {"name": "tiny", "source": {"huggingFace": {"repo": "acme/tiny"}}},
            "engine": {"tlsSecretRef": {"name": "chat-tls"}},
        },
    }
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path)


def test_show_prints_the_plain_vllm_command_and_starts_nothing(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "/models/chat", "--cake-config", str(config), "--port", "8000", "--show"]) == 0

    words = shlex.split(capsys.readouterr().out)
    assert words[:5] == ["vllm", "serve", "/models/chat", "--port", "8000"]
    assert words[5] == "--kv-transfer-config"
    assert json.loads(words[6]) == {
        "kv_connector": "CakeConnector",
        "kv_connector_module_path": "cake_engine.vllm.connector",
        "kv_role": "kv_both",
        "kv_connector_extra_config": {"cake_config": str(config)},
    }
    assert words[7:] == ["--scheduler-cls", "cake_engine.vllm.scheduler.CakeScheduler"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the model is missing"),
        (["--port", "8000"], "the model is missing"),
        (["m", "--kv-transfer-config", "{}"], "remove --kv-transfer-config: Cake is the KV connector here"),
        (["m", "--kv_transfer_config={}"], "remove --kv-transfer-config"),
        (["m", "--kv-transfer-config.kv_role", "kv_both"], "remove --kv-transfer-config"),
        (["m", "--kv-offloading-size", "4"], "remove --kv-offloading-size: the tiers of --cake-config say"),
        (["m", "--scheduler-cls=x.Y"], "remove --scheduler-cls: Cake is the scheduler here"),
    ],
)
def test_a_command_that_cannot_run_is_refused_with_one_sentence(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["serve", *arguments, "--cake-config", str(config)]) == 2

    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "cannot be read"), ("{", "not JSON"), ('{"model": {"name": "m"}}', "tiers is missing")],
)
def test_a_bad_configuration_ends_with_one_sentence_before_anything_is_loaded(
    tmp_path: Path, content: str | None, sentence: str
) -> None:
    path = tmp_path / "engine.json"
    if content is not None:
        path.write_text(content)
    command = [sys.executable, "-X", "importtime", "-m", "cake_engine.cli", "serve", "m", "--cake-config", str(path)]

    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)

    said = [line for line in ended.stderr.splitlines() if not line.startswith("import time:")]
    assert ended.returncode == 2
    assert len(said) == 1
    assert said[0].startswith(f"cake-engine: {path}: ")
    assert sentence in said[0]
    assert "vllm" not in ended.stderr


class Serving:
    """A `cake-engine serve` of a tiny model, as a process of its own, over HTTPS as the operator has it served.

    Attributes:
        secret: Its certificate, as the kubelet mounts it.
    """

    def __init__(self, model: Path, folder: Path) -> None:
        self.folder = folder
        self.secret = MountedSecret(folder / "tls")
        self.authority = Authority(folder / "authority")
        self.renew()
        self.config = write_config(folder)
        self.port = ports.any_free()
        self.log = folder / "server.log"
        command = [
            *(sys.executable, "-m", "cake_engine.cli", "serve", str(model), "--cake-config", str(self.config)),
            *("--host", "127.0.0.1", "--port", str(self.port), "--served-model-name", "tiny"),
            *("--skip-tokenizer-init", "--dtype", "float32", "--enforce-eager", "--block-size", "32"),
            *("--max-model-len", "4096", "--max-num-batched-tokens", "128", "--kv-cache-memory-bytes", "67108864"),
            *("--shutdown-timeout", "60"),
            *(argument.replace(str(FOLDER), str(self.secret.folder)) for argument in tls_arguments(SECURED)),
        ]
        environment = os.environ | {variable["name"]: variable["value"] for variable in tls_environment(SECURED)}
        environment |= {
            "WATCHFILES_POLL_DELAY_MS": "200",
            "VLLM_SERVER_DEV_MODE": "1",
            "VLLM_ENABLE_V1_MULTIPROCESSING": "1",
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_LOGGING_LEVEL": "INFO",
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)

    def renew(self) -> bytes:
        """Have another certificate signed and mounted; gives it as clients are to see it."""
        pair = self.authority.issue("server", "chat", addresses=("127.0.0.1",))
        self.secret.write({"tls.crt": pair.certificate.read_bytes(), "tls.key": pair.key.read_bytes()})
        return ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())

    def certificate(self) -> bytes:
        """That a client is shown now."""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS) as plain,
            self.trust().wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        ):
            return secured.getpeercert(binary_form=True) or b""

    def trust(self) -> ssl.SSLContext:
        """What clients trust: the authority, for the name that they asked for."""
        return ssl.create_default_context(cafile=str(self.authority.certificate))

    def call(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        with self.ask(path, body) as answer:
            return answer.read()

    def ask(self, path: str, body: dict[str, Any] | None = None) -> HTTPResponse:
        """The answer, as it comes."""
        request = urllib.request.Request(
            f"https://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        answer: HTTPResponse = urllib.request.urlopen(request, timeout=300, context=self.trust())
        return answer

    def tokens(self, tokens: list[int], count: int = 8) -> list[int]:
        return json.loads(self.call("/v1/completions", self.completion(tokens, count)))["choices"][0]["token_ids"]

    def completion(self, tokens: list[int], count: int) -> dict[str, Any]:
        """A request for so many tokens."""
        return {
            "model": "tiny",
            "prompt": tokens,
            "max_tokens": count,
            "temperature": 0,
            "ignore_eos": True,
            "detokenize": False,
            "return_token_ids": True,
        }

    def metrics(self) -> dict[str, float]:
        """Samples of ours by name and labels, without those that vLLM adds."""
        samples: dict[str, float] = {}
        for line in self.call("/metrics").decode().splitlines():
            if line.startswith("cake_"):
                name, value = line.rsplit(" ", 1)
                name = re.sub(r'(engine|model_name)="[^"]*",?', "", name).replace(",}", "}").replace("{}", "")
                samples[name] = float(value)
        return samples

    def until(self, condition: Callable[[], bool]) -> None:
        limit = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert self.process.poll() is None, self.log.read_text()[-4000:]
            assert time.monotonic() < limit, self.log.read_text()[-4000:]
            time.sleep(0.05)

    def applied(self, generation: int) -> Callable[[], bool]:
        """Whether the engine itself has taken a generation: it looks when it steps, and says so in the log."""
        line = re.compile(rf"\(EngineCore .*Live configuration generation {generation} ")

        def has() -> bool:
            self.tokens(prompt(40, seed=6), 1)
            return line.search(self.log.read_text()) is not None

        return has

    def healthy(self) -> bool:
        try:
            self.call("/health")
        except (urllib.error.URLError, ConnectionError):
            return False
        return True

    def kill(self) -> None:
        """End what is left of the process and those that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture(scope="module")
def serving(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    serving = Serving(model, tmp_path_factory.mktemp("serving"))
    try:
        serving.until(serving.healthy)
        yield serving
    finally:
        serving.kill()


def test_a_server_stores_what_it_computes_and_loads_it_when_told_to(serving: Serving) -> None:
    plain = serving.tokens(PROMPT)
    stored = len(PROMPT) // 32
    serving.until(lambda: len(list((serving.folder / "tier").rglob("*.kv"))) == stored)
    (manifest,) = (serving.folder / "tier").rglob("fingerprint.json")
    assert re.fullmatch("[0-9a-f]{32}", json.loads(manifest.read_text())["weights"])

    write_live(serving.folder, 2, mode="LoadOnly")
    serving.until(serving.applied(2))
    serving.until(lambda: json.loads(serving.call("/reset_prefix_cache?reset_external=true", {})).get("success", True))

    assert serving.tokens(PROMPT) == plain
    serving.tokens(prompt(40, seed=6))  # figures leave the engine with a step
    assert serving.metrics()['cake_prefix_tokens_total{outcome="loaded",tier="shared"}'] >= 32 * (stored - 1)


def test_an_idle_server_reports_a_new_generation_by_itself(serving: Serving) -> None:
    write_live(serving.folder, 7, mode="ComputeOnly", retainFrom=0.25)

    serving.until(lambda: serving.metrics()["cake_config_generation"] == 7)
    seen = serving.metrics()

    assert seen['cake_mode{mode="ComputeOnly"}'] == 1
    assert seen['cake_mode{mode="Adaptive"}'] == 0
    assert seen['cake_knob{knob="retainFrom",tier=""}'] == 0.25


def test_a_server_refuses_a_bad_live_configuration_and_keeps_the_last_good_one(serving: Serving) -> None:
    write_live(serving.folder, 8)
    serving.until(lambda: serving.metrics()["cake_config_generation"] == 8)
    before = serving.metrics()["cake_config_rejects_total"]
    write_live(serving.folder, 9, mode="Sideways")

    serving.until(lambda: serving.metrics()["cake_config_rejects_total"] == before + 1)

    assert serving.metrics()["cake_config_generation"] == 8
    assert len(serving.tokens(PROMPT)) == 8


def test_a_renewed_certificate_is_taken_up_without_a_restart_again_and_again(serving: Serving) -> None:
    for _ in range(2):  # the kernel's notices would tell of the first renewal alone
        renewed = serving.renew()
        serving.until(lambda renewed=renewed: serving.certificate() == renewed)
    assert serving.healthy()


def test_a_server_told_to_end_finishes_what_it_serves(serving: Serving) -> None:
    """The last of this server."""
    request = serving.completion(prompt(64, seed=3), 600) | {"stream": True}
    with serving.ask("/v1/completions", request) as answer:
        first = answer.readline()
        assert first.startswith(b"data: {")
        serving.process.terminate()
        events = [first, *answer]

    told = [event.removeprefix(b"data: ") for event in events if event.startswith(b"data: {")]
    tokens = [token for event in told for token in json.loads(event)["choices"][0]["token_ids"]]
    assert len(tokens) == 600
    assert serving.process.wait(PATIENCE_SECONDS) == 0
