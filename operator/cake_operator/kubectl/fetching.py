"""Reads what `kubectl cake` shows, with the credentials and the namespace that kubectl would use."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, Self

import urllib3
from kubernetes import client, config

from cake_operator.api import GROUP, KIND, PLURAL, VERSION
from cake_operator.kubectl.refusals import refusal

__all__ = ["Cluster", "FetchError"]

# To connect, and to answer.
TIMEOUT_SECONDS: Final = (5.0, 30.0)

Object = dict[str, Any]


class FetchError(Exception):
    """There is no answer to show; the text says why and what to do."""


class Cluster:
    """One cluster, as a kubeconfig names it.

    Attributes:
        namespace: The namespace of the context.
    """

    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        self.namespace = namespace
        self._custom = client.CustomObjectsApi(api)
        self._core = client.CoreV1Api(api)

    @classmethod
    def of(cls, kubeconfig: str | None, context: str | None) -> Self:
        """The cluster of a context; of the current one, and of $KUBECONFIG or ~/.kube/config, where none is given.

        Raises:
            FetchError: There is no such kubeconfig or context.
        """
        try:
            contexts, current = config.list_kube_config_contexts(config_file=kubeconfig)  # type: ignore[no-untyped-call]  # untyped upstream
            chosen = next((one for one in contexts if one["name"] == context), current)
            api = config.new_client_from_config(config_file=kubeconfig, context=context)  # type: ignore[no-untyped-call]  # untyped upstream
        except (config.ConfigException, OSError) as error:
            raise FetchError(
                f"no cluster is known: {error}; give --kubeconfig and --context, or set KUBECONFIG"
            ) from error
        return cls(api, chosen["context"].get("namespace") or "default")

    def cake(self, namespace: str, name: str) -> Object:
        """One CakeDeployment.

        Raises:
            FetchError: There is none, or it may not be read.
        """
        return self._ask(
            f"{KIND} {name} in namespace {namespace}",
            lambda: self._custom.get_namespaced_custom_object(
                GROUP, VERSION, namespace, PLURAL, name, _request_timeout=TIMEOUT_SECONDS
            ),
        )

    def cakes(self, namespace: str | None) -> list[Object]:
        """The CakeDeployments of a namespace, or of all of them.

        Raises:
            FetchError: They may not be read.
        """
        if namespace is None:
            found = self._ask(
                f"{PLURAL} of all namespaces",
                lambda: self._custom.list_cluster_custom_object(
                    GROUP, VERSION, PLURAL, _request_timeout=TIMEOUT_SECONDS
                ),
            )
        else:
            found = self._ask(
                f"{PLURAL} of namespace {namespace}",
                lambda: self._custom.list_namespaced_custom_object(
                    GROUP, VERSION, namespace, PLURAL, _request_timeout=TIMEOUT_SECONDS
                ),
            )
        return list(found["items"])

    def events(self, namespace: str, name: str) -> list[Object]:
        """The Events of one CakeDeployment.

        Raises:
            FetchError: They may not be read.
        """
        about = f"involvedObject.kind={KIND},involvedObject.name={name}"

        def ask() -> Any:
            # As they come: the client's own model of an Event refuses some that others wrote.
            response: Any = self._core.list_namespaced_event(
                namespace, field_selector=about, _preload_content=False, _request_timeout=TIMEOUT_SECONDS
            )
            return json.loads(response.data)

        return list(self._ask(f"events of namespace {namespace}", ask)["items"])

    def _ask(self, asked: str, ask: Callable[[], Any]) -> Object:
        try:
            return dict(ask())
        except client.ApiException as error:
            raise FetchError(refusal(error.status or 0, str(error.body or ""), asked)) from error
        except urllib3.exceptions.HTTPError as error:
            raise FetchError(refusal(0, str(error), asked)) from error
