"""The line between an operator and its API server, which a test can cut."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import yaml


class Line:
    """A TCP forwarder on loopback.

    Attributes:
        kubeconfig: The cluster's kubeconfig with this address in place of the API server's.
    """

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        (cluster,) = config["clusters"]
        server = urlsplit(cluster["cluster"]["server"])
        self._target = (str(server.hostname), int(server.port or 443))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: set[socket.socket] = set()
        self._whole = True
        cluster["cluster"]["server"] = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        cluster["cluster"]["tls-server-name"] = server.hostname
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(config))
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Break every connection, and each new one at once, for the block."""
        self._whole = False
        self._break()
        try:
            yield
        finally:
            self._whole = True

    def close(self) -> None:
        """End it."""
        self._whole = False
        self._listener.close()
        self._break()

    def _break(self) -> None:
        for end in list(self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if not self._whole:
                    near.close()
                    continue
                far = socket.create_connection(self._target)
                self._ends |= {near, far}
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with source:
            self._ends.discard(source)
