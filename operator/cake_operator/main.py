"""`cake-operator run`: everything put together, started in order, ended together."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import secrets
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

import kopf
import uvloop
from prometheus_client import REGISTRY

from cake_operator import instruments
from cake_operator.apply.cache import Cache, Key, Object, key_of, owner_of
from cake_operator.apply.client import Client
from cake_operator.apply.credentials import login
from cake_operator.apply.errors import ApiError
from cake_operator.apply.informer import Informer
from cake_operator.apply.keeping import keeper
from cake_operator.apply.kinds import CAKE_DEPLOYMENTS, CHILDREN, CLAIMS, DEPLOYMENTS, PODS, PROMETHEUS_RULES, Kind
from cake_operator.apply.leadership import PATIENCE, Leadership, LeadershipLostError, Terms
from cake_operator.clock import SteadyClock
from cake_operator.configuration import Configuration, ConfigurationError
from cake_operator.endpoints import Pulse, serving
from cake_operator.fleet_metrics import FleetCollector
from cake_operator.handlers import make_registry, make_settings
from cake_operator.observe.prometheus import Observer
from cake_operator.observe.sampling import Sampling
from cake_operator.policy.laws import Laws
from cake_operator.reconcile import Reconciler
from cake_operator.render.naming import OWN_SELECTOR
from cake_operator.render.prometheus_rule import RuleSettings
from cake_operator.render.settings import RenderSettings
from cake_operator.resync import look, relist, relist_forever, resync, served
from cake_operator.workqueue import WorkQueue, work

WORKERS = 16
SOON_SECONDS = 0.5
"""For so long what pods and Deployments tell of themselves is gathered: they tell several things in a row."""
LOOKS_MISSED_BEFORE_RESTART = 8
GC_THRESHOLD = 10_000
LEAST_PATIENCE_SECONDS = 120.0

logger = logging.getLogger("cake_operator")


async def run(configuration: Configuration) -> None:
    """Run until SIGTERM or SIGINT.

    Every replica watches and measures; one of them, which holds the lease, acts. Without a lease this one does.

    Raises:
        LeadershipLostError: Another replica acts now; the process is to be started anew.
        Exception: A part of the operator ended unasked; likewise.
    """
    settings = make_settings()
    pulse = Pulse(max(configuration.interval_seconds * LOOKS_MISSED_BEFORE_RESTART, LEAST_PATIENCE_SECONDS))
    cache, queue = Cache(), WorkQueue[Key]()
    instruments.QUEUE_DEPTH.set_function(lambda: len(queue))
    REGISTRY.register(FleetCollector(cache))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(configuration.port, pulse))
        leadership = await _candidate(configuration, settings, stack)
        guard = leadership.check if leadership is not None else _anybody
        client = await stack.enter_async_context(Client(lambda: login(settings), guard=guard))
        await served(client, pulse)
        sampling = _sampling(configuration)
        rules = await _rules(client, configuration.rules, sampling)
        clock, rendering = SteadyClock(), RenderSettings(configuration.engine_image, rules)
        reconciler = Reconciler(client, cache, rendering, Laws.of(sampling), clock=clock, entropy=secrets.token_bytes)
        kinds = [kind for kind in (*CHILDREN, PODS) if kind is not PROMETHEUS_RULES or rules is not None]
        informers = _informers(client, cache, queue, kinds, configuration.namespace)

        async def operate() -> None:
            await relist(client, cache, configuration.namespace, queue)
            # Not before everything was seen: what is not in the cache would be taken for not there.
            for informer in informers:
                await informer.synced.wait()
            observer = Observer(configuration.prometheus_url, sampling)
            await look(observer, reconciler, cache)
            logger.info(
                "watching %s; %d CakeDeployments",
                configuration.namespace or "all namespaces",
                len(cache.names(CAKE_DEPLOYMENTS)),
            )
            await _together(
                resync(observer, reconciler, cache, queue, pulse=pulse, interval=configuration.interval_seconds),
                relist_forever(client, cache, configuration.namespace, queue),
                _leading(leadership, lambda: work(queue, _timed(reconciler, queue, clock), WORKERS, expected=ApiError)),
            )

        stopping = asyncio.Event()
        watching = kopf.operator(  # takes SIGTERM and SIGINT
            registry=make_registry(cache, queue.add, stopping.set),
            settings=settings,
            clusterwide=configuration.namespace is None,
            namespaces=[configuration.namespace] if configuration.namespace else [],
        )
        ours = _together(stopping.wait(), operate(), *(informer.run() for informer in informers))
        async with asyncio.TaskGroup() as group:
            group.create_task(watching)
            group.create_task(ours)


async def _candidate(
    configuration: Configuration, settings: kopf.OperatorSettings, stack: AsyncExitStack
) -> Leadership | None:
    """This process in the election for the lease; None where there is no election."""
    if configuration.lease is None:
        return None
    # Connections of its own: a renewal waits behind nothing.
    client = await stack.enter_async_context(Client(lambda: login(settings), patience=PATIENCE))
    terms = Terms.lasting(configuration.lease_seconds)
    return Leadership(client, *configuration.lease, configuration.identity, terms=terms)


def _anybody() -> None:
    """The guard of an operator that is alone."""


async def _leading(leadership: Leadership | None, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Act while this process holds the lease, and give it back at the end."""
    if leadership is None:
        instruments.ACTING.set(1)
        await act()
        return
    try:
        await leadership.acquire()
        instruments.ACTING.set(1)
        await _together(act(), leadership.keep())
    finally:
        instruments.ACTING.set(0)
        await leadership.release()


async def _rules(client: Client, wanted: RuleSettings | None, sampling: Sampling) -> RuleSettings | None:
    """How PrometheusRules are made; None where they are not wanted, or the cluster has no such kind.

    Raises:
        ApiError: The API server did not say.
    """
    if wanted is None:
        return None
    if not await client.offers(PROMETHEUS_RULES):
        logger.warning("CAKE_RULES is true, and this cluster has no PrometheusRule: objectives get no alerts")
        return None
    return replace(wanted, window=sampling.window)


def _informers(
    client: Client, cache: Cache, queue: WorkQueue[Key], kinds: Sequence[Kind], namespace: str | None
) -> list[Informer]:
    """One for each kind. Claims are seen unlabelled, too: users bring their own.

    A child that was edited or deleted is looked at now, what is told of pods a moment later.
    """
    now, soon = _notifier(cache, queue.add), _notifier(cache, lambda key: queue.add_after(key, SOON_SECONDS))
    return [
        Informer(
            client,
            cache,
            kind,
            namespace=namespace,
            selector="" if kind is CLAIMS else OWN_SELECTOR,
            keep=keeper(kind),
            notify=soon if kind is PODS else now,
            notify_of_status=soon if kind is DEPLOYMENTS else None,
        )
        for kind in kinds
    ]


def _notifier(cache: Cache, ask: Callable[[Key], None]) -> Callable[[Object], None]:
    """Asks for a look at the CakeDeployments that an object is of interest to."""

    def notify(obj: Object) -> None:
        owner = owner_of(obj)
        if owner is not None:
            ask(owner)
        if obj["kind"] == CLAIMS.name:  # whose it is says nothing of who mounts it
            for key in cache.mounting(*key_of(obj)):
                ask(key)

    return notify


def _timed(
    reconciler: Reconciler, queue: WorkQueue[Key], clock: Callable[[], datetime]
) -> Callable[[Key], Coroutine[Any, Any, None]]:
    """The reconcile, measured; comes back when time alone may ask for more."""

    async def act(key: Key) -> None:
        outcome = "failed"
        with instruments.RECONCILE_SECONDS.time():
            try:
                again = await reconciler.reconcile(key)
                outcome = "done"
            finally:
                instruments.RECONCILES.labels(outcome).inc()
        if again is not None:
            queue.add_after(key, (again - clock()).total_seconds())

    return act


async def _together(*parts: Coroutine[Any, Any, object]) -> None:
    """Run until the first part ends, then end the others; its error is raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _sampling(configuration: Configuration) -> Sampling:
    return Sampling(
        namespace=configuration.namespace or "",
        scrape_interval=timedelta(seconds=configuration.scrape_interval_seconds),
        tuning_window=timedelta(seconds=configuration.tuning_window_seconds),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; configuration comes from CAKE_* environment variables."""
    parser = argparse.ArgumentParser(prog="cake-operator", description="Turns CakeDeployments into serving fleets.")
    parser.add_argument("--version", action="version", version=f"cake-operator {version('cake-operator')}")
    parser.add_argument("command", nargs="?", choices=["run"], default="run", help="run: until SIGTERM (the default)")
    parser.parse_args(arguments)
    try:
        configuration = Configuration.of(os.environ)
    except ConfigurationError as error:
        print(f"cake-operator: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(level=configuration.log_level, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    # kopf tells of each event, and asyncio of each slow callback: theirs only where something is wrong.
    logging.getLogger("kopf").setLevel(max(logging.getLogger().level, logging.WARNING))
    # Objects come by the thousand and stay: looking for cycles among the newest 700 again and again finds none.
    gc.set_threshold(GC_THRESHOLD, *gc.get_threshold()[1:])
    status = 0
    try:
        # asyncio's own loop does TLS in Python: a change of a spec takes a fifth more CPU with it.
        uvloop.run(_until_stopped(run(configuration)))
    except* LeadershipLostError as lost:
        logger.error("%s; this process ends, to stand by when it is started anew", lost.exceptions[0])
        status = 1
    return status


async def _until_stopped(operator: Coroutine[Any, Any, None]) -> None:
    """Run it, ending on SIGTERM and SIGINT from the first moment on: the first process of a container has no defaults.

    Once kopf runs, its own handlers of these signals take the place of these.
    """
    running = asyncio.create_task(operator)
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running


if __name__ == "__main__":
    sys.exit(main())
