"""The cache, and what was read of it: whether somebody who read it once would read the same again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from cake_operator.apply.cache import Cache, Key, Object
from cake_operator.apply.kinds import PODS, Kind

__all__ = ["Reads"]

Answer = TypeVar("Answer")


class Reads:
    """A view of the cache that keeps every question and its answer.

    Whoever reads through it cannot forget to say what a decision went by.
    """

    __slots__ = ("_cache", "_noted")

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._noted: list[tuple[Callable[..., Any], tuple[Any, ...], Any]] = []

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The object of that name, or None."""
        return self._note(Cache.get, kind, namespace, name)

    def owned(self, key: Key) -> list[tuple[Kind, Object]]:
        """The labelled children of a CakeDeployment, pods among them."""
        return self._note(_owned, key)

    def pods(self, key: Key) -> list[Object]:
        """The pods of a CakeDeployment."""
        return [obj for kind, obj in self.owned(key) if kind is PODS]

    def mounting(self, namespace: str, claim: str) -> list[Key]:
        """The CakeDeployments that name a claim."""
        return self._note(Cache.mounting, namespace, claim)

    def same(self) -> bool:
        """Whether every question has its answer still. Objects of the cache are replaced and never changed in place."""
        return all(ask(self._cache, *about) == answer for ask, about, answer in self._noted)

    def _note(self, ask: Callable[..., Answer], *about: Any) -> Answer:
        answer = ask(self._cache, *about)
        self._noted.append((ask, about, answer))
        return answer


def _owned(cache: Cache, key: Key) -> list[tuple[Kind, Object]]:
    return list(cache.owned(key))
