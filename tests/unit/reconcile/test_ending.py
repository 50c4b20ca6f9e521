"""The process ends when told to, whatever it waits for: as the first of a container it has no default to do so."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_while_it_waits_for_the_api_server(
    told: signal.Signals, tmp_path: Path, unused_tcp_port_factory: Callable[[], int]
) -> None:
    server = {"name": "a", "cluster": {"server": f"http://127.0.0.1:{unused_tcp_port_factory()}"}}
    context = {"name": "a", "context": {"cluster": "a", "user": "a"}}
    user = {"name": "a", "user": {"token": "x"}}
    config = {"clusters": [server], "contexts": [context], "users": [user], "current-context": "a"}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    variables = {"KUBECONFIG": str(path), "CAKE_ENGINE_IMAGE": "x", "CAKE_LIVENESS_PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "cake_operator.main"],
        env=os.environ | variables,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        assert "waiting for the API server" in process.stderr.readline()
        process.send_signal(told)
        rest = process.stderr.read()
        assert (process.wait(timeout=60), "Traceback" in rest) == (0, False), rest
