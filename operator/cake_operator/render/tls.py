"""HTTPS of the engines: a Secret with certificate and key that pods mount. The operator never reads it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Final

from cake_operator.api import CakeDeployment
from cake_operator.render.secret_files import secret_mount, secret_volume

__all__ = ["FOLDER", "tls_annotations", "tls_arguments", "tls_environment", "tls_mounts", "tls_volumes"]

FOLDER: Final = PurePosixPath("/etc/cake/tls")
CERTIFICATE: Final = "tls.crt"
KEY: Final = "tls.key"
SCHEME_ANNOTATION: Final = "prometheus.io/scheme"
RENEWAL_POLL_MILLISECONDS: Final = 10_000


def tls_arguments(resource: CakeDeployment) -> list[str]:
    """What vLLM is started with; nothing without `tlsSecretRef`, and so for all that follow."""
    if resource.spec.engine.tls_secret_ref is None:
        return []
    files = ["--ssl-certfile", str(FOLDER / CERTIFICATE), "--ssl-keyfile", str(FOLDER / KEY)]
    return [*files, "--enable-ssl-refresh"]


def tls_environment(resource: CakeDeployment) -> list[dict[str, Any]]:
    """How vLLM's watchfiles notices a renewed certificate.

    A mounted Secret changes by a link to another folder. The kernel's notices follow the files of the first folder, so
    they would tell of the first renewal and of none after it; looking at the files tells of each.
    """
    if resource.spec.engine.tls_secret_ref is None:
        return []
    return [
        {"name": "WATCHFILES_FORCE_POLLING", "value": "true"},
        {"name": "WATCHFILES_POLL_DELAY_MS", "value": str(RENEWAL_POLL_MILLISECONDS)},
    ]


def tls_annotations(resource: CakeDeployment) -> dict[str, str]:
    """The pod's annotation that tells Prometheus to scrape over HTTPS."""
    return {} if resource.spec.engine.tls_secret_ref is None else {SCHEME_ANNOTATION: "https"}


def tls_volumes(resource: CakeDeployment) -> list[dict[str, Any]]:
    """The Secret as a volume."""
    secret = resource.spec.engine.tls_secret_ref
    return [] if secret is None else [secret_volume("tls", secret.name, (CERTIFICATE, KEY))]


def tls_mounts(resource: CakeDeployment) -> list[dict[str, Any]]:
    """Where it is mounted."""
    return [] if resource.spec.engine.tls_secret_ref is None else [secret_mount("tls", FOLDER)]
