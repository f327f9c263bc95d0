"""Where the content of artifacts is kept: the protocol, in memory, and as files in a folder.

Content is kept by scope (a team) and hash: what another scope has kept cannot be named. It is
written under another name first, and gets its own once all of it is on the disk; so whoever
keeps a value that mentions it does that afterwards, and a crash in between leaves content that
nothing mentions, never the reverse. All calls block; any thread may make them.
"""

import fcntl
import hashlib
import io
import mimetypes
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, Protocol, cast

from runner.errors import DamagedArtifact, MissingArtifact, RunnerError, SizeLimit, ValueFault
from runner.graph.artifact import Artifact, clean_media_type, clean_name

BLOCK = 1 << 18
LARGEST_BYTES = 1 << 30
#: Where files are written before they get their names.
INCOMING = "incoming"
#: The scope of runs that have none.
NO_SCOPE = "-"
_SCOPE = re.compile(r"[A-Za-z0-9-]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
type Content = bytes | BinaryIO | Iterable[bytes]


class ArtifactWriter(Protocol):
    """Content on its way into a store."""

    def write(self, block: bytes) -> None:
        """Take the next bytes; raises SizeLimit for more than the store keeps."""

    def keep(self) -> tuple[str, int]:
        """Say that this was all; give its digest and its size once it is kept."""

    def discard(self) -> None:
        """Forget it, unless it was kept."""


class ArtifactStore(Protocol):
    """Keeps content by scope and digest."""

    def create(self, scope: str) -> ArtifactWriter:
        """Begin new content."""

    def open(self, scope: str, digest: str) -> BinaryIO:
        """Read content from its beginning; raises MissingArtifact."""


class Measured:
    """Counts and hashes what is written, up to a limit; what both kinds of writers have in common."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._hash = hashlib.sha256()
        self._size = 0

    def measure(self, block: bytes) -> None:
        """Count a block; raises SizeLimit."""
        self._size += len(block)
        if self._size > self._limit:
            raise SizeLimit(f"This file has more than {_said(self._limit)}.")
        self._hash.update(block)

    @property
    def measured(self) -> tuple[str, int]:
        """The digest and the size of all that came."""
        return self._hash.hexdigest(), self._size


def _said(size: int) -> str:
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size} bytes"


# ── in memory ───────────────────────────────────────────────────────────────────────────────────


class MemoryArtifacts:
    """The ArtifactStore protocol over a dictionary: for scripts, the console and tests."""

    def __init__(self, limit: int = LARGEST_BYTES) -> None:
        self._limit = limit
        self._kept: dict[tuple[str, str], bytes] = {}

    def create(self, scope: str) -> ArtifactWriter:
        """Begin new content."""
        return _MemoryWriter(self._kept, scope, self._limit)

    def open(self, scope: str, digest: str) -> BinaryIO:
        """Read content from its beginning; raises MissingArtifact."""
        try:
            return io.BytesIO(self._kept[scope, digest])
        except KeyError:
            raise MissingArtifact(digest) from None


class _MemoryWriter(Measured):
    def __init__(self, kept: dict[tuple[str, str], bytes], scope: str, limit: int) -> None:
        super().__init__(limit)
        self._kept = kept
        self._scope = scope
        self._blocks: list[bytes] = []

    def write(self, block: bytes) -> None:
        self.measure(block)
        self._blocks.append(bytes(block))

    def keep(self) -> tuple[str, int]:
        digest, size = self.measured
        self._kept[self._scope, digest] = b"".join(self._blocks)
        return digest, size

    def discard(self) -> None:
        self._blocks.clear()


# ── as files ────────────────────────────────────────────────────────────────────────────────────


class FolderArtifacts:
    """The ArtifactStore protocol over a folder: `SCOPE/ab/cdef…`, readable by its owner alone."""

    def __init__(self, folder: Path, limit: int = LARGEST_BYTES) -> None:
        self._folder = folder
        self._limit = limit

    def create(self, scope: str) -> ArtifactWriter:
        """Begin new content."""
        return FileWriter(
            self._folder / INCOMING,
            self._limit,
            lambda path, digest: put_in_place(path, self._folder, place_of(scope, digest)),
        )

    def open(self, scope: str, digest: str) -> BinaryIO:
        """Read content from its beginning; raises MissingArtifact."""
        try:
            return open_in_place(self._folder, place_of(scope, digest))
        except OSError as fault:
            raise MissingArtifact(digest) from fault


class FileWriter(Measured):
    """Writes into a file under another name, and gives it away once all of it is on the disk."""

    def __init__(self, incoming: Path, limit: int, put: Callable[[Path, str], None]) -> None:
        super().__init__(limit)
        incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Its end is in `keep` or `discard`.
        self._file = NamedTemporaryFile(dir=incoming, delete=False)  # noqa: SIM115
        self._path = Path(self._file.name)
        self._put = put

    def write(self, block: bytes) -> None:
        """Take the next bytes; raises SizeLimit."""
        self.measure(block)
        self._file.write(block)

    def keep(self) -> tuple[str, int]:
        """Put the file in its place; give its digest and size."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        digest, size = self.measured
        self._put(self._path, digest)
        return digest, size

    def discard(self) -> None:
        """Remove the file, unless it is in its place."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def place_of(scope: str, digest: str) -> str:
    """Name the place of content below a folder; raises ValueFault for what is no scope or hash."""
    if not _SCOPE.fullmatch(scope or NO_SCOPE) or not _DIGEST.fullmatch(digest):
        raise ValueFault("This names no content.")
    return f"{scope or NO_SCOPE}/{digest[:2]}/{digest[2:]}"


def put_in_place(path: Path, folder: Path, place: str) -> None:
    """Move a file that is on the disk to its place: a new one, or one as good as what is there.

    In its place it is as young as now, so that nobody takes it for forgotten.
    """
    target = folder / place
    with locked(folder, shared=True):
        fresh = not target.parent.exists()
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o600)
        path.replace(target)
    _sync(target.parent)
    if fresh:
        _sync(target.parent.parent)
        _sync(folder)


def open_in_place(folder: Path, place: str) -> BinaryIO:
    """Open a file by its place, and no other one that a link may name; raises OSError."""
    descriptor = os.open(folder / place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    return os.fdopen(descriptor, "rb")


@contextmanager
def locked(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Keep files from being put in place while one is looked at and removed."""
    with (folder / ".lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ── what a run does with them ───────────────────────────────────────────────────────────────────


class RunArtifacts:
    """The artifacts of one run: content of its scope, saved and read."""

    def __init__(self, store: ArtifactStore, scope: str) -> None:
        self._store = store
        self._scope = scope

    def create(self) -> ArtifactWriter:
        """Begin new content."""
        return self._store.create(self._scope)

    def save(self, content: Content, name: str, media_type: str) -> Artifact:
        """Keep content; raises SizeLimit, and RunnerError when it cannot be written."""
        try:
            writer = self.create()
            try:
                for block in blocks_of(content):
                    writer.write(block)
                return artifact_of(writer, name, media_type)
            finally:
                writer.discard()
        except OSError as fault:
            raise RunnerError(f"This file cannot be kept: {fault.strerror}.") from fault

    def open(self, artifact: Artifact) -> BinaryIO:
        """Read content from its beginning, compared with its hash at its end."""
        opened = self._store.open(self._scope, artifact.digest)
        # A raw reader under a buffer is all that a binary file is.
        return cast("BinaryIO", io.BufferedReader(Verified(opened, artifact.digest), BLOCK))


def keep_path(store: ArtifactStore, scope: str, path: Path) -> Artifact:
    """Keep a file that somebody names by its path; raises RunnerError when it cannot be read."""
    media_type, _ = mimetypes.guess_type(path.name)
    try:
        with path.open("rb") as content:
            return RunArtifacts(store, scope).save(content, path.name, media_type or "")
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise RunnerError(f"{path} cannot be read: {reason}.") from fault


def artifact_of(writer: ArtifactWriter, name: str, media_type: str) -> Artifact:
    """Keep what was written; give it as a value."""
    digest, size = writer.keep()
    return Artifact(
        digest=digest, size=size, name=clean_name(name), media_type=clean_media_type(media_type)
    )


def blocks_of(content: Content) -> Iterable[bytes]:
    """Give content block by block."""
    if isinstance(content, bytes):
        return (content,)
    read = getattr(content, "read", None)
    return iter(partial(read, BLOCK), b"") if read else content


class Verified(io.RawIOBase):
    """Reads content once, from its beginning; raises DamagedArtifact at its end if it changed."""

    def __init__(self, content: BinaryIO, digest: str) -> None:
        super().__init__()
        self._content = content
        self._digest = digest
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        """Say that it is for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with what comes next."""
        block = self._content.read(len(buffer))
        if not block and self._hash.hexdigest() != self._digest:
            raise DamagedArtifact(self._digest)
        self._hash.update(block)
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        """Close the content too."""
        self._content.close()
        super().close()
