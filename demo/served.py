"""The CakeDeployment under test: what the API server says of it, as it changes, and the two ways to change it."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from kubernetes import client, config, watch

from cake_operator.api import CakeDeployment
from cake_operator.api.resource import GROUP, PLURAL, VERSION
from tests.localcluster import Cluster

RECONNECT_SECONDS = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """The resource at a moment.

    Attributes:
        at: Seconds since the epoch.
        resource: Spec and status.
    """

    at: float
    resource: CakeDeployment


class NotInTimeError(TimeoutError):
    """What was waited for did not come; says what was there instead."""


class Served:
    """A CakeDeployment, watched from ``with`` on."""

    def __init__(self, cluster: Cluster, namespace: str, name: str) -> None:
        self.cluster, self.namespace, self.name = cluster, namespace, name
        self.history: list[Seen] = []
        self._news = threading.Condition()
        self._watch: Any = _untyped(watch.Watch)()
        self._over = threading.Event()
        self._follower = threading.Thread(target=self._follow, daemon=True, name=f"watch {namespace}/{name}")

    def __enter__(self) -> Self:
        self._follower.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._watch.stop()

    @property
    def now(self) -> CakeDeployment:
        """As it was last seen.

        Raises:
            IndexError: It was not seen yet.
        """
        return self.history[-1].resource

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in its namespace."""
        return self.cluster.kubectl("-n", self.namespace, *arguments)

    def patch(self, spec: dict[str, Any]) -> int:
        """Merge ``spec`` into its spec; returns the generation that this made."""
        patch = json.dumps({"spec": spec})
        arguments = ("patch", "cakedeployment", self.name, "--type=merge", "-p", patch, "-o", "json")
        return int(json.loads(self.kubectl(*arguments))["metadata"]["generation"])

    def wait(self, what: str, happened: Callable[[CakeDeployment], bool], timeout: float) -> CakeDeployment:
        """Wait until ``happened`` holds of the resource.

        Raises:
            NotInTimeError: It did not within ``timeout`` seconds.
        """
        if not self.saw(happened, timeout):
            raise NotInTimeError(f"{what} did not happen within {timeout:.0f} s; {self._state()}")
        return self.now

    def saw(self, happened: Callable[[CakeDeployment], bool], timeout: float) -> bool:
        """Whether ``happened`` holds of the resource now or within ``timeout`` seconds."""
        with self._news:
            return self._news.wait_for(lambda: bool(self.history) and happened(self.now), timeout)

    def settle(self, generation: int, timeout: float) -> CakeDeployment:
        """Wait until every ready pod has confirmed the live settings that follow from a generation of the spec."""
        return self.wait(
            f"the pods' confirmation of {self.name}'s spec (generation {generation})",
            lambda resource: confirmed(resource, generation),
            timeout,
        )

    def _state(self) -> str:
        if not self.history:
            return f"the API server has no CakeDeployment {self.namespace}/{self.name}"
        conditions = "; ".join(f"{c.type}={c.status} ({c.reason}: {c.message})" for c in self.now.status.conditions)
        return f"its conditions: {conditions or 'none yet'}"

    def _follow(self) -> None:
        """Add every change to the history, through ends of the connection too."""
        connection = _untyped(config.new_client_from_config)(str(self.cluster.kubeconfig))
        api: Any = client.CustomObjectsApi(connection)
        scope = {"namespace": self.namespace, "plural": PLURAL, "field_selector": f"metadata.name={self.name}"}
        while not self._over.is_set():
            try:
                for event in self._watch.stream(api.list_namespaced_custom_object, GROUP, VERSION, **scope):
                    if event["type"] in ("ADDED", "MODIFIED"):
                        self._see(event["object"])
            except Exception as error:
                # Whatever it was, only a new connection shows what is there now.
                if not self._over.is_set():
                    logger.warning("watching %s/%s again: %s", self.namespace, self.name, error)
                    self._over.wait(RECONNECT_SECONDS)

    def _see(self, found: dict[str, Any]) -> None:
        with self._news:
            self.history.append(Seen(time.time(), CakeDeployment.model_validate(found)))
            self._news.notify_all()


def _untyped(call: Any) -> Any:
    """The Kubernetes client comes without annotations."""
    return call


def condition(resource: CakeDeployment, kind: str) -> str:
    """Return the status of a condition: True, False or Unknown (also while it is not there)."""
    return next((c.status for c in resource.status.conditions if c.type == kind), "Unknown")


def ready(resource: CakeDeployment) -> bool:
    """Whether it serves, by its own word about this spec."""
    return (
        condition(resource, "Ready") == "True" and resource.status.observed_generation == resource.metadata.generation
    )


def confirmed(resource: CakeDeployment, generation: int) -> bool:
    """Whether the spec's ``generation`` was acted on, and every ready pod runs with the settings that follow."""
    balance = resource.status.balance
    return (
        (resource.status.observed_generation or 0) >= generation
        and balance is not None
        and balance.mode == resource.spec.balance.mode
        and balance.generation is not None
        and balance.generation == balance.confirmed_generation
    )
