"""kopf's part: who we are, and what happens to CakeDeployments. Nothing is decided here.

Of kopf's decorators only `on.event` is used: it writes nothing of its own, neither annotations nor finalizers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import kopf

from cake_operator.api import GROUP, PLURAL, VERSION
from cake_operator.apply.cache import Cache, Key, key_of
from cake_operator.apply.credentials import login
from cake_operator.apply.keeping import keeper
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS

__all__ = ["make_registry", "make_settings"]


def make_registry(cache: Cache, notify: Callable[[Key], None], stopping: Callable[[], None]) -> kopf.OperatorRegistry:
    """Handlers that keep `cache` true, name what changed to `notify`, and call `stopping` once at the end."""
    registry, keep = kopf.OperatorRegistry(), keeper(CAKE_DEPLOYMENTS)

    @kopf.on.login(registry=registry)
    def authenticate(settings: kopf.OperatorSettings, **_: Any) -> kopf.ConnectionInfo:
        return login(settings)

    def is_news(event: kopf.RawEvent, **_: Any) -> bool:
        # An older version is news: what we wrote since may have brought a change along that nobody has looked at.
        return event["type"] == "DELETED" or not cache.knows(CAKE_DEPLOYMENTS, dict(event["object"]))

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry, when=is_news)
    async def seen(event: kopf.RawEvent, **_: Any) -> None:
        obj = keep(dict(event["object"]))
        if event["type"] == "DELETED":
            cache.drop(CAKE_DEPLOYMENTS, obj)
        else:
            cache.put(CAKE_DEPLOYMENTS, obj)
        notify(key_of(obj))

    @kopf.on.cleanup(registry=registry)
    async def stop(**_: Any) -> None:
        # kopf waits some seconds for the tasks that are not its own: end them first.
        stopping()

    return registry


class NothingToCompare(kopf.DiffBaseStorage):
    """Stands in for kopf's memory of what objects were, which only handlers of changes ask for.

    kopf would copy each object at every event and compare it with what an annotation of its own says: a quarter of the
    CPU that the operator needs.
    """

    def build(self, **_: Any) -> Any:
        """Nothing of an object is compared."""
        return {}

    def fetch(self, **_: Any) -> Any:
        """Nothing was stored."""
        return None

    def store(self, **_: Any) -> None:
        """Nothing is stored."""


def make_settings() -> kopf.OperatorSettings:
    """Kopf's settings: it watches, and does nothing else."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True  # no watching of CRDs and namespaces, and no rights to do so
    settings.peering.standalone = True
    settings.persistence.diffbase_storage = NothingToCompare()
    settings.watching.chunk_size = 200
    settings.watching.server_timeout = 300
    settings.watching.connect_timeout = 10
    settings.networking.request_timeout = 10
    # Eight seconds apart at most, and given up after a minute and a half: then the process is started anew.
    settings.networking.error_backoffs = [1, 1, 2, 3, 5, *([8] * 10)]
    # Left unlimited on purpose: idle workers hold their place, and a limit would starve other objects. Our own queue is
    # what bounds the work.
    settings.queueing.worker_limit = None
    settings.queueing.idle_timeout = 1
    return settings
