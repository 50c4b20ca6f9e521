"""The command as kubectl runs it, against a server that answers what an API server answers."""

import importlib
import json
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from cake_operator.kubectl.main import main
from tests.unit.kubectl.recorded import CHAT, EVENTS, NEW

CAKES = "/apis/cake.dev/v1alpha1"
FORBIDDEN = {"kind": "Status", "code": 403, "message": 'events is forbidden: User "eve" cannot list'}
MISSING = {"kind": "Status", "code": 404, "message": 'cakedeployments.cake.dev "none" not found'}
ANSWERS: dict[str, tuple[int, Any]] = {
    f"{CAKES}/namespaces/team-a/cakedeployments/chat": (200, CHAT),
    f"{CAKES}/namespaces/team-b/cakedeployments/chat": (200, CHAT),
    f"{CAKES}/namespaces/team-a/cakedeployments/none": (404, MISSING),
    f"{CAKES}/namespaces/team-a/cakedeployments": (200, {"items": [CHAT]}),
    f"{CAKES}/cakedeployments": (200, {"items": [CHAT, NEW]}),
    "/api/v1/namespaces/team-a/events": (200, {"items": EVENTS}),
    "/api/v1/namespaces/team-b/events": (403, FORBIDDEN),
    f"{CAKES}/namespaces/late/cakedeployments/chat": (401, {"kind": "Status", "message": "Unauthorized"}),
    f"{CAKES}/namespaces/ill/cakedeployments/chat": (500, {"kind": "Status", "message": "etcd is away"}),
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, answer = ANSWERS.get(self.path.split("?")[0], (404, "404 page not found"))
        body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A kubeconfig of two contexts: `here`, the current one, in namespace team-a, and `away`, where nobody listens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    addresses = {"here": f"http://127.0.0.1:{server.server_port}", "away": "http://127.0.0.1:9"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": name, "cluster": {"server": address}} for name, address in addresses.items()],
        "users": [{"name": "me", "user": {}}],
        "contexts": [
            {"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "team-a"}},
            {"name": "away", "context": {"cluster": "away", "user": "me"}},
        ],
    }
    path = tmp_path_factory.mktemp("kubectl") / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    yield path
    server.shutdown()
    server.server_close()


SAID: dict[str, tuple[list[str], str]] = {
    "status, in the namespace of the context": (["status", "chat"], "2 ready of 3 (between 1 and 4)"),
    "status, in another": (["status", "chat", "-n", "team-b"], "2 ready of 3"),
    "status, of a named context": (["status", "chat", "--context", "here"], "2 ready of 3"),
    "top": (["top"], "Unschedulable: pod chat-7: 0/3 nodes: 3 Insufficient nvidia.com/gpu"),
    "top of all": (["top", "-A"], "team-b"),
    "explain": (["explain", "chat"], "from 2 to 3 replicas: TTFT p95 is 1.4 s of 1 s: one more"),
}


@pytest.mark.parametrize("which", SAID)
def test_a_question_is_answered(which: str, kubeconfig: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked, said = SAID[which]
    assert main([*asked, "--kubeconfig", str(kubeconfig)]) == 0
    assert said in capsys.readouterr().out


def test_programs_get_json(kubeconfig: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["-o", "json", "--kubeconfig", str(kubeconfig)]
    found = {}
    for question in (["status", "chat"], ["top", "-A"], ["explain", "chat"]):
        assert main([*question, *options]) == 0
        found[question[0]] = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in found["top"]] == ["chat", "new"]
    assert found["explain"]["now"] == found["status"] == found["top"][0]
    assert [one["reason"] for one in found["explain"]["decisions"]] == ["Scaled", "KnobsChanged", "Unschedulable"]


REFUSED: dict[str, tuple[list[str], str]] = {
    "no such resource": (["status", "none"], "there is no CakeDeployment none in namespace team-a"),
    "no CRD": (["status", "chat", "-n", "empty"], "this cluster has no CakeDeployments: install the chart"),
    "no permission": (["explain", "chat", "-n", "team-b"], "you may not read events of namespace team-b: ask for"),
    "old credentials": (["status", "chat", "-n", "late"], "does not accept your credentials"),
    "a server in trouble": (["status", "chat", "-n", "ill"], "CakeDeployment chat in namespace ill: etcd is away"),
    "nobody there": (["status", "chat", "--context", "away"], "the API server does not answer"),
    "no such context": (["status", "chat", "--context", "moon"], "no cluster is known: "),
}


@pytest.mark.parametrize("which", REFUSED)
def test_without_an_answer_it_says_why_and_what_to_do(
    which: str, kubeconfig: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, said = REFUSED[which]
    assert main([*asked, "--kubeconfig", str(kubeconfig)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("kubectl cake: ")
    assert said in told.err


def test_without_a_kubeconfig_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "--kubeconfig", str(tmp_path / "none")]) == 1
    assert "give --kubeconfig and --context, or set KUBECONFIG" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["rich", "kubernetes"])
def test_without_its_packages_it_says_what_to_install(missing: str) -> None:
    program = (
        f"import sys; sys.modules[{missing!r}] = None\nfrom cake_operator.kubectl.command import main; sys.exit(main())"
    )
    ended = subprocess.run([sys.executable, "-c", program, "top"], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"kubectl cake: {missing}")
    assert ended.stderr.endswith("is not installed: pip install 'cake-operator[kubectl]'\n")


def test_kubectl_finds_it_by_the_name_of_its_console_script() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    module, function = project["scripts"]["kubectl-cake"].split(":")
    assert callable(getattr(importlib.import_module(module), function))
