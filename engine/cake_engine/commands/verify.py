"""`cake-engine store verify FOLDER`: reads every block and checks every byte of it."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from cake_engine.commands.usage import UsageError, reading
from cake_engine.store.bandwidth import BandwidthCap
from cake_engine.store.census import census
from cake_engine.store.eviction import StoredFile
from cake_engine.store.publishing import publish
from cake_engine.store.reader import FileReader
from cake_engine.store.verification import GONE, GOOD, verify

NAME = "verify"
HELP = "check every block's checksum; reports bad ones and removes nothing"

_BAD = 1


@dataclass
class Progress:
    """How far a verification came: folders of blocks are done in the order of their names.

    Attributes:
        after: The last folder that was done; empty before the first.
        outcomes: Blocks by outcome.
    """

    after: str = ""
    outcomes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, path: Path | None) -> Progress:
        """What a file says; the beginning where there is none.

        Raises:
            UsageError: It is something else.
        """
        try:
            found = json.loads(path.read_text()) if path else {}
            return cls(str(found.get("after", "")), Counter(found.get("outcomes", {})))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise UsageError(
                f"{path}: not the progress of a verification ({error}); remove it to begin anew."
            ) from None

    def write(self, path: Path | None) -> None:
        """Keep it, whole."""
        if path:
            publish(str(path), memoryview(json.dumps({"after": self.after, "outcomes": self.outcomes}).encode()))


def arguments(parser: argparse.ArgumentParser) -> None:
    """How to go on and how fast."""
    parser.add_argument("--resume", type=Path, metavar="FILE", help="go on from where this file says, and keep it")
    parser.add_argument("--bandwidth", type=float, metavar="MIB", help="read at most so many MiB a second")


def run(options: argparse.Namespace) -> int:
    """Read every block; returns 1 when one of them is bad."""
    progress = Progress.read(options.resume)
    rate = options.bandwidth * (1 << 20) if options.bandwidth else None
    reader = FileReader()
    with reading(options.folder):
        files = sorted((file for file in census(options.folder) if not file.temporary), key=lambda file: file.path)
        begun = [file for file in files if str(Path(file.path).parent) > progress.after]
        # The bar is for a terminal alone: a log would be filled with it.
        with tqdm(total=sum(f.size for f in begun), unit="B", unit_scale=True, unit_divisor=1024, disable=None) as bar:
            for folder, ones in itertools.groupby(_paced(begun, rate), key=lambda file: str(Path(file.path).parent)):
                for file in ones:
                    outcome = verify(file.path, reader)
                    progress.outcomes[outcome] += 1
                    if outcome not in (GOOD, GONE):
                        bar.write(f"{outcome:<12} {file.path}", file=sys.stdout)
                    bar.update(file.size)
                progress.after = folder
                progress.write(options.resume)
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(progress.outcomes.items())) or "no blocks")
    return _BAD if progress.outcomes.keys() - {GOOD, GONE} else 0


def _paced(files: list[StoredFile], rate: float | None) -> Iterator[StoredFile]:
    """Each file once its bandwidth is due."""
    cap, asked = BandwidthCap(), time.monotonic()
    for file in files:
        time.sleep(max(0.0, cap.due(file.size, rate, asked) - time.monotonic()))
        cap.take(file.size, rate, asked, time.monotonic())
        yield file
