"""kubeconfig files: self-contained, so that one can be copied to where it is needed."""

import base64
import json
from pathlib import Path

from tests.localcluster.pki import KeyPair


def write(target: Path, server: str, authority: Path, user: KeyPair) -> Path:
    """Write a kubeconfig for one user of the cluster at ``server`` (a URL)."""
    name = "cake-local"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": name, "cluster": {"server": server, "certificate-authority-data": _encoded(authority)}},
        ],
        "users": [
            {
                "name": name,
                "user": {
                    "client-certificate-data": _encoded(user.certificate),
                    "client-key-data": _encoded(user.key),
                },
            },
        ],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    # JSON is YAML that needs no library to write; the file holds a key, so nobody else may read it.
    target.touch(mode=0o600)
    target.write_text(json.dumps(content, indent=2) + "\n")
    return target


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
