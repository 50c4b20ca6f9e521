"""A tier's blocks: save one from memory, load one into memory. What goes wrong is counted, never raised."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from cake_engine.config import TierConfig
from cake_engine.store.blockfile import HEADER_BYTES, BlockRejectedError, Reject, seal, unseal
from cake_engine.store.cipher import OVERHEAD_BYTES, Cipher
from cake_engine.store.codecs import codec_of
from cake_engine.store.directory import BlockDirectory
from cake_engine.store.eviction import Limits
from cake_engine.store.keeper import Keeper
from cake_engine.store.keys import Fingerprint, position_of
from cake_engine.store.layout import BlockLayout
from cake_engine.store.publishing import LeftBehindError
from cake_engine.store.statistics import Recorder
from cake_engine.store.tenant import Tenant
from cake_engine.store.transfer import Transfer

logger = logging.getLogger(__name__)

RowOf = Callable[[int], memoryview]
"""The bytes of a chunk in the engine's memory; asked for only while a transfer commits."""

_FAULTS = {
    errno.ENOSPC: "no_space",
    errno.EDQUOT: "no_space",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EROFS: "denied",
    errno.ESTALE: "stale",
}
_PAUSE_SECONDS = 5.0
"""After a failed write, the time without another: a full or read-only volume does not change at once."""


class BlockStore:
    """Moves blocks between a tier's folder and rows of memory. Its methods wait for the file system: call from threads.

    Attributes:
        file_bytes: Of one block's file, at most; `load` and `save` need a `page_buffer` of that size.
    """

    def __init__(
        self,
        tier: TierConfig,
        fingerprint: Fingerprint,
        recorder: Recorder,
        keeper: Keeper | None = None,
        *,
        tenant: Tenant | None = None,
        cipher: Cipher | None = None,
        layout: BlockLayout | None = None,
    ) -> None:
        """Open a tier; nothing is waited for.

        Args:
            tier: A FileSystem tier.
            fingerprint: Of the engine's blocks.
            recorder: Counts what happens.
            keeper: Of the tier, for who tends it himself; None makes one with a thread that does.
            tenant: Whose blocks these are; None where they are anybody's. It is put into the fingerprint here.
            cipher: Encrypts them; None leaves them as they are. Likewise.
            layout: Of the blocks; exact codecs work without.

        Raises:
            ValueError: The tier has no folder, or its codec cannot read such blocks.
        """
        if tier.path is None:
            raise ValueError(f'tier "{tier.name}" has no folder: a block store needs one')
        self._name = tier.name
        self._codec = codec_of(tier.codec, fingerprint.dtype, layout)
        self._cipher = cipher
        self._fingerprint = replace(
            fingerprint,
            tenant=None if tenant is None else tenant.identity,
            cipher=None if cipher is None else cipher.identity,
        )
        self._name_of: Callable[[bytes], bytes] = bytes if tenant is None else tenant.name_of
        self._recorder = recorder
        self._directory = BlockDirectory(tier.path, self._fingerprint)
        self._keeper = keeper or Keeper(
            tier.path,
            Limits(tier.capacity_bytes, tier.ttl_seconds),
            on_evicted=recorder.evicted,
            key_space=self._fingerprint.folder,
        )
        if keeper is None:
            self._keeper.start()
        self._faults: set[str] = set()
        self._no_writes_until = float("-inf")
        self._overhead = HEADER_BYTES if cipher is None else HEADER_BYTES + OVERHEAD_BYTES
        self.file_bytes = self._overhead + self._codec.bound(fingerprint.block_bytes)

    @property
    def used_bytes(self) -> int:
        """On the whole tier, by all that share it, as last counted."""
        return self._keeper.used_bytes

    @property
    def reads_directly(self) -> bool:
        """Whether reads bypass the page cache: until the file system has said that it cannot."""
        return self._directory.reader.direct

    def contains(self, key: bytes) -> bool:
        """Whether a file of that block is there.

        Args:
            key: As `key_at` makes it.

        Raises:
            OSError: The file system could not say.
        """
        return self._directory.contains(self._name_of(key))

    def pin(self, name: str, keys: Iterable[bytes]) -> None:
        """Have blocks stay, if there is room for what stays; returns at once.

        Args:
            name: Of the pin, as `pins.NAME_PATTERN` has it.
            keys: As `key_at` makes them, head first.
        """
        self._keeper.pin(self._directory.key_space, name, [self._name_of(key) for key in keys])

    def load(self, transfer: Transfer, row_of: RowOf, buffer: memoryview) -> None:
        """Read, verify, and only then write to memory; the transfer's failure says what went wrong."""
        name = self._name_of(transfer.key)
        try:
            file = self._directory.read(name, buffer)
            content = unseal(
                file,
                codec=self._codec.identifier,
                fingerprint=self._fingerprint.digest,
                key=name,
                cipher=self._cipher,
            )
            if not transfer.begin_commit():
                return
            self._decode(content, row_of(transfer.chunk))
            transfer.moved = file.nbytes
        except BlockRejectedError as error:
            transfer.fail(error.reason.value)
            self._reject(name, error.reason)
        except OSError as error:
            transfer.fail(_fault(error))
            self._say_once(f"read {error.errno}", "A block of tier %s could not be read (%s): it is computed", error)
        else:
            self._recorder.read(file.nbytes, time.monotonic() - transfer.started)

    def save(self, transfer: Transfer, row_of: RowOf, buffer: memoryview) -> None:
        """Copy from memory, then publish, unless it is there already or may not be written."""
        if time.monotonic() < self._no_writes_until:
            transfer.fail("paused")
            return
        name = self._name_of(transfer.key)
        try:
            if self._directory.contains(name):
                return
            if refusal := self._keeper.admit(self.file_bytes):
                transfer.fail(refusal)
                return
            written = 0
            try:
                written = self._publish(transfer, name, row_of, buffer)
            except LeftBehindError:
                written = self.file_bytes  # as long as nobody has counted
                raise
            finally:
                self._keeper.settle(self.file_bytes, written)
        except OSError as error:
            transfer.fail(_fault(error))
            self._no_writes_until = time.monotonic() + _PAUSE_SECONDS
            self._say_once(f"write {error.errno}", "A block could not be written to tier %s (%s): not stored", error)
        else:
            if written:
                transfer.moved = written
                self._recorder.wrote(written, time.monotonic() - transfer.started)

    def stop(self) -> None:
        """End the thread that keeps the capacity."""
        self._keeper.stop()

    def _decode(self, payload: memoryview, row: memoryview) -> None:
        try:
            self._codec.decode(payload, row)
        except ValueError:
            raise BlockRejectedError(Reject.TRUNCATED) from None

    def _publish(self, transfer: Transfer, name: bytes, row_of: RowOf, buffer: memoryview) -> int:
        """Returns the bytes written; 0 when the transfer was given up before it had its copy."""
        if not transfer.begin_commit():
            return 0
        size = self._overhead + self._codec.encode(row_of(transfer.chunk), buffer[HEADER_BYTES:])
        transfer.end_commit()
        seal(
            buffer[:size],
            codec=self._codec.identifier,
            fingerprint=self._fingerprint.digest,
            key=name,
            position=position_of(name),
            cipher=self._cipher,
        )
        began = time.monotonic()
        self._directory.publish(name, buffer[:size])
        transfer.writing_seconds = time.monotonic() - began
        return size

    def _reject(self, name: bytes, reason: Reject) -> None:
        """Count a file that is not the block asked for, and remove it: it would be so the next time too."""
        self._recorder.rejected(reason.value)
        if reason is Reject.MISSING:
            return
        self._say_once(reason.value, "A block file of tier %s is bad (%s): removed, and the block is computed", reason)
        try:
            self._directory.discard(name)
        except OSError as error:
            self._say_once(f"discard {error.errno}", "A bad block file of tier %s could not be removed (%s)", error)

    def _say_once(self, fault: str, sentence: str, what: object) -> None:
        if fault not in self._faults:
            self._faults.add(fault)
            logger.warning(sentence + "; further ones are only counted", self._name, what)


def _fault(error: OSError) -> str:
    """What a file system's error is called where it is counted; of reads and writes alike."""
    return _FAULTS.get(error.errno or 0, "io_error")
