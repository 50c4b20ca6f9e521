"""`cake-engine store export FOLDER ARCHIVE`: good blocks as a tar archive, for `import` into another tier.

Blocks stay what they are: a tenant's are found by engines with its salt, encrypted ones by engines with their key.
What is not encrypted gives back what was prompted, and so does the archive.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tarfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from cake_engine.commands.of_tenant import identity_of, salt_argument
from cake_engine.commands.outcomes import summary
from cake_engine.commands.pace import bandwidth_argument, paced
from cake_engine.commands.usage import UsageError, reading
from cake_engine.store.archive import add
from cake_engine.store.census import files_of, key_spaces
from cake_engine.store.keys import Fingerprint
from cake_engine.store.listing import StoredFile
from cake_engine.store.manifest import MANIFEST
from cake_engine.store.reader import FileReader
from cake_engine.store.verification import GONE, GOOD, UNREADABLE, judge, read_whole

NAME = "export"
HELP = "write good blocks to a tar archive, for import into another tier"

STREAM = Path("-")
_BAD = 1


@dataclass(frozen=True)
class _Space:
    """Blocks of one fingerprint to be written."""

    folder: Path
    fingerprint: Fingerprint
    files: list[StoredFile]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, and which."""
    parser.add_argument("archive", type=Path, metavar="ARCHIVE", help="file to write; - is the standard output")
    parser.add_argument("--model", metavar="NAME", help="only the blocks of this model, as ls names it")
    parser.add_argument("--used-within", type=float, metavar="SECONDS", help="only blocks that were used so lately")
    salt_argument(parser)
    bandwidth_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Write the archive; returns 1 when something was bad and so left out."""
    outcomes: Counter[str] = Counter()
    with reading(options.folder):
        spaces = list(_chosen(options, outcomes))
    reader, total = FileReader(), sum(file.size for space in spaces for file in space.files)
    with (
        _written(options.archive) as archive,
        tqdm(total=total, unit="B", unit_scale=True, unit_divisor=1024, disable=None) as bar,
    ):
        for space in spaces:
            manifest = f"{space.fingerprint.document}\n".encode()
            add(archive, f"{space.folder.name}/{MANIFEST}", manifest, time.time())
            for file in paced(space.files, options.bandwidth):
                outcomes[_export(file, space.folder, reader, archive)] += 1
                bar.update(file.size)
    print(summary(outcomes), file=sys.stderr)
    return _BAD if outcomes.keys() - {GOOD, GONE} else 0


def _chosen(options: argparse.Namespace, outcomes: Counter[str]) -> Iterator[_Space]:
    tenant = identity_of(options.salt) if options.salt else None
    since = time.time() - options.used_within if options.used_within else float("-inf")
    options.folder.stat()  # a folder that is not there is not a tier without blocks
    for folder in sorted(map(Path, key_spaces(options.folder))):
        try:
            fingerprint = Fingerprint.parse((folder / MANIFEST).read_bytes())
        except (FileNotFoundError, ValueError) as error:
            outcomes["unknown"] += 1
            _say("unknown", folder, f"({error}): whose blocks these are cannot be told")
            continue
        if options.model in (None, fingerprint.model) and tenant in (None, fingerprint.tenant):
            files = (file for file in files_of(folder) if not file.temporary and file.used >= since)
            yield _Space(folder, fingerprint, sorted(files))


def _export(file: StoredFile, folder: Path, reader: FileReader, archive: tarfile.TarFile) -> str:
    """Add a block if it is good; says what it is."""
    path = Path(file.path)
    try:
        content = read_whole(file.path, reader)
        outcome = judge(content, folder.name, bytes.fromhex(path.stem))
    except FileNotFoundError:
        return GONE
    except (OSError, ValueError):
        outcome = UNREADABLE
    if outcome == GOOD:
        add(archive, str(path.relative_to(folder.parent)), content, file.used)
    else:
        _say(outcome, path)
    return outcome


@contextlib.contextmanager
def _written(path: Path) -> Iterator[tarfile.TarFile]:
    """An archive that is there whole or not at all, for its owner alone: what is in it may be read out of it.

    Raises:
        UsageError: It cannot be written.
    """
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        if path == STREAM:
            with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
                yield archive
            return
        try:
            with _created(temporary) as file, tarfile.open(fileobj=file, mode="w|") as archive:
                yield archive
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{path}: the archive cannot be written ({error.strerror}).") from None


def _created(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def _say(outcome: str, path: Path, why: str = "") -> None:
    tqdm.write(f"{outcome:<12} {path} {why}".rstrip(), file=sys.stderr)
