"""A folder mirrored by a real mount, whose server can stop answering.

Debian's bindfs serves it with FUSE. While its process is stopped the mount is what one of NFS is whose server has gone:
whoever calls waits in the kernel, and nothing that a program does ends that.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from tests.localcluster import debian

_SECONDS = 900.0


class Mirror:
    """A mount of a folder of its own. It needs root.

    Attributes:
        folder: Where it is mounted.
        behind: The folder that it shows.
    """

    def __init__(self, place: Path) -> None:
        """Mount it.

        Args:
            place: An empty folder for both.
        """
        debian.provide_command("bindfs")
        self.folder, self.behind = place / "mount", place / "behind"
        for folder in (self.folder, self.behind):
            folder.mkdir()
        self._server = subprocess.Popen(["bindfs", "-f", self.behind, self.folder], stderr=subprocess.PIPE)
        # Whatever happens, nobody waits for ever: without a server the kernel fails every call.
        self._end = threading.Timer(_SECONDS, self._server.kill)
        self._end.daemon = True
        self._end.start()
        while not self.folder.is_mount():
            if self._server.poll() is not None:
                assert self._server.stderr is not None
                raise RuntimeError(f"bindfs mounted nothing: {self._server.stderr.read().decode().strip()}")
            time.sleep(0.01)

    def hang(self) -> None:
        """Answer nothing from now on."""
        self._server.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._server.pid, os.WSTOPPED)

    def come_back(self) -> None:
        """Answer what was asked meanwhile, and all that comes."""
        self._server.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Unmount it; what still waits for it fails."""
        self._end.cancel()
        self._server.kill()
        self._server.wait()
        subprocess.run(["umount", "--lazy", self.folder], check=True)
