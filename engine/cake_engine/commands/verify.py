"""`cake-engine store verify FOLDER`: reads every block and checks every byte of it."""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from cake_engine.commands.outcomes import summary
from cake_engine.commands.pace import bandwidth_argument, paced
from cake_engine.commands.usage import UsageError, reading
from cake_engine.store.census import census
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
        tier: Folder that is verified.
        after: The last folder in it that was done; empty before the first.
        outcomes: Blocks by outcome.
    """

    tier: str
    after: str = ""
    outcomes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, path: Path | None, tier: Path) -> Progress:
        """What a file says of a tier; the beginning where there is none.

        Raises:
            UsageError: It is something else, or of another tier.
        """
        begin = cls(str(tier.absolute()))
        try:
            found = json.loads(path.read_text()) if path else {}
            progress = cls(str(found.get("tier", begin.tier)), str(found.get("after", "")))
            progress.outcomes.update(found.get("outcomes", {}))
        except FileNotFoundError:
            return begin
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise UsageError(
                f"{path}: not the progress of a verification ({error}); remove it to begin anew."
            ) from None
        if progress.tier != begin.tier:
            raise UsageError(
                f"{path}: the progress of {progress.tier}; remove it to verify {begin.tier} from the beginning."
            )
        return progress

    def write(self, path: Path | None) -> None:
        """Keep it, whole."""
        if path:
            publish(str(path), memoryview(json.dumps(vars(self)).encode()))


def arguments(parser: argparse.ArgumentParser) -> None:
    """How to go on and how fast."""
    parser.add_argument("--resume", type=Path, metavar="FILE", help="go on from where this file says, and keep it")
    bandwidth_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Read every block; returns 1 when one of them is bad."""
    progress = Progress.read(options.resume, options.folder)
    reader = FileReader()
    with reading(options.folder):
        files = sorted((file for file in census(options.folder) if not file.temporary), key=lambda file: file.path)
        begun = [file for file in files if str(Path(file.path).parent) > progress.after]
        # The bar is for a terminal alone: a log would be filled with it.
        with tqdm(total=sum(f.size for f in begun), unit="B", unit_scale=True, unit_divisor=1024, disable=None) as bar:
            due = paced(begun, options.bandwidth)
            for folder, ones in itertools.groupby(due, key=lambda file: str(Path(file.path).parent)):
                for file in ones:
                    outcome = verify(file.path, reader)
                    progress.outcomes[outcome] += 1
                    if outcome not in (GOOD, GONE):
                        bar.write(f"{outcome:<12} {file.path}", file=sys.stdout)
                    bar.update(file.size)
                progress.after = folder
                progress.write(options.resume)
    print(summary(progress.outcomes))
    return _BAD if progress.outcomes.keys() - {GOOD, GONE} else 0
