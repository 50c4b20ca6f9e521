"""The commands of docs/getting-started.md, in its order, on a real API server without a node."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from cake_operator.kubectl.main import main as kubectl_cake
from tests.cluster.cakes import NEVER_RUN, Cake
from tests.cluster.operator_process import OperatorProcess
from tests.localcluster import Cluster, CommandError
from tests.unit.api.specs import merged
from tests.unit.docs.shown import commands

PAGE = Path(__file__).parents[2] / "docs/getting-started.md"


def shown(beginning: str) -> list[str]:
    """The words of the one command of the page that begins so, after kubectl itself."""
    (command,) = (one for one in commands(PAGE) if one.startswith(beginning))
    return shlex.split(command)[1:]


def fleet() -> dict[str, Any]:
    """The CakeDeployment of the page; no pod of it comes to run."""
    (text,) = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    return merged(yaml.safe_load(text), {"spec": {"engine": NEVER_RUN}})


def test_a_fleet_is_made_looked_at_and_deleted_as_the_page_says(
    api_server: Cluster,
    operator: OperatorProcess,
    namespace: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del operator  # it works beside us
    cake, file = Cake(api_server, namespace), tmp_path / "chat.yaml"
    file.write_text(yaml.safe_dump(fleet()))
    assert "created" in cake.kubectl(*(str(file) if word == file.name else word for word in shown("kubectl apply")))
    cake.made()
    # No pod runs here. What kubectl says depends on whether the server was still answering when the time was over.
    with pytest.raises(CommandError, match=r"timed out waiting|deadline exceeded"):
        cake.kubectl(*(re.sub("=30m$", "=2s", word) for word in shown("kubectl wait")))
    assert "chat" in cake.kubectl(*shown("kubectl get cakedeployments"))
    assert cake.kubectl(*shown("kubectl get cakedeployment chat"))
    cake.kubectl(*shown("kubectl get configmaps"))
    assert "Conditions" in cake.kubectl(*shown("kubectl describe"))
    explained = [*shown("kubectl cake")[1:], "-n", namespace, "--kubeconfig", str(api_server.kubeconfig)]
    assert kubectl_cake(explained) == 0
    assert "WHY" in capsys.readouterr().out
    assert "deleted" in cake.kubectl(*shown("kubectl delete"))
