"""Who the operator is to the API server: kopf's own logins, in one order for kopf and for our client."""

from __future__ import annotations

import os

import kopf

__all__ = ["login"]


def login(settings: kopf.OperatorSettings) -> kopf.ConnectionInfo:
    """Read the credentials anew: $KUBECONFIG where it is set, else the pod's service account, else ~/.kube/config.

    Raises:
        kopf.LoginError: None of them is there.
    """
    logins = [kopf.login_with_service_account, kopf.login_with_kubeconfig]
    if os.environ.get("KUBECONFIG"):
        logins.reverse()
    for attempt in logins:
        if (found := attempt(settings=settings)) is not None:
            return found
    raise kopf.LoginError(
        "No way to reach a cluster: set KUBECONFIG to a kubeconfig file, or run in a pod with a service account."
    )
