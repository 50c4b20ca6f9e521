"""An operator that is started anew when it ends, as Kubernetes does it."""

import asyncio
from pathlib import Path
from typing import NoReturn

from tests.cluster.operator_process import OperatorProcess
from tests.faults.until import NotReachedError

LOOK_SECONDS = 0.2


class KeptOperator(OperatorProcess):
    """An operator process, and how often it had to be started anew.

    Attributes:
        restarts: How often.
    """

    def __init__(self, kubeconfig: Path, log: Path, **environment: str) -> None:
        super().__init__(kubeconfig, log, **environment)
        self.restarts = 0
        self._over = False

    def __exit__(self, *_: object) -> None:
        self._over = True  # whoever waits for it in a thread gives up
        super().__exit__()

    def start(self) -> None:
        """Start it and wait until it works.

        Raises:
            RuntimeError: It has ended again, or is to be there no more.
        """
        try:
            super().start()
        finally:
            if self._over:  # it was started at the very end, and nobody else would end it
                self.kill()

    def kill(self) -> None:
        """End it as the kernel does; one that has ended already, or is being started, too."""
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()

    def figure(self, name: str) -> float:
        """The sum of one of its metrics over all labels; 0 before it serves any.

        Raises:
            RuntimeError: It is to be there no more: what is waited for will not come.
        """
        self._wanted()
        return super().figure(name)

    def _running(self) -> bool:
        self._wanted()
        return super()._running()

    def _wanted(self) -> None:
        if self._over:
            raise RuntimeError("the operator is to be there no more")

    async def keep(self) -> NoReturn:
        """Start it anew whenever it has ended, until cancelled."""
        while True:
            if self._process is not None and self._process.poll() is not None:
                self.restarts += 1
                try:
                    await asyncio.to_thread(self.start)
                except (RuntimeError, OSError, AssertionError):
                    continue  # it ended again, or takes its time
            await asyncio.sleep(LOOK_SECONDS)

    async def rest(self) -> None:
        """Wait until it has looked at everything twice more, and has nothing left to do.

        Raises:
            NotReachedError: It does not come to it.
        """
        try:
            await asyncio.to_thread(self.settle)
        except AssertionError as error:
            raise NotReachedError(str(error)) from error
