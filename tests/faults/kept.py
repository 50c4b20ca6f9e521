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

    def kill(self) -> None:
        """End it as the kernel does; one that has ended already, or is being started, too."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

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
