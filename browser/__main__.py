"""`python -m browser SITE`: opens every page of a built site, and says what a reader would miss.

That is: a script that fails, a picture or a file that is not there, something fetched from elsewhere, a page that is
wider than the window.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from browser.scripts import BrowserError, run

__all__ = ["main"]


def main() -> int:
    """The command line; returns 0, or 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m browser", description=__doc__)
    parser.add_argument("site", type=Path, help="the folder, such as build/site")
    folder = parser.parse_args().site
    pages = sorted(f"/{page.relative_to(folder).as_posix()}" for page in folder.rglob("*.html"))
    try:
        with served(folder) as origin:
            run("look.mjs", {"origin": origin, "pages": pages})
    except BrowserError as error:
        print(f"python -m browser: {error}", file=sys.stderr)
        return 1
    print(f"{len(pages)} pages were opened; nothing is missing.")
    return 0


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback; yields the origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *_: object) -> None:
        """What is missing is told by the page that misses it."""


if __name__ == "__main__":
    sys.exit(main())
