"""The content of artifacts in a Django storage: for the engine, for uploads, for downloads."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, storages

from runner.errors import MissingArtifact
from runner.execution.artifacts import (
    INCOMING,
    ArtifactWriter,
    FileWriter,
    keep_path,
    open_in_place,
    place_of,
    put_in_place,
)
from runner.graph.artifact import Artifact


class ArtifactFiles(FileSystemStorage):
    """Files below the data directory, for the server's own account alone.

    One is put in its place only when all of it is on the disk; what is there already is replaced
    by what is the same. It has no address: pages give content to those who may see a run.
    """

    @property
    def base_location(self) -> str:
        """The folder of all content."""
        return str(settings.DATA_DIR / "artifacts")

    @property
    def location(self) -> str:
        """The same, as the operating system names it."""
        return self.base_location

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Give the name itself: equal names have equal content."""
        return name

    def url(self, name: str | None) -> str:
        """Refuse: no content has an address."""
        msg = f"{name} is not accessible via a URL."
        raise ValueError(msg)

    def _open(self, name: str, mode: str = "rb") -> File:  # type: ignore[type-arg]
        return File(open_in_place(Path(self.location), name), name)

    def _save(self, name: str, content: Any) -> str:
        put_in_place(Path(content.temporary_file_path()), Path(self.location), name)
        return name


class Written(File):  # type: ignore[type-arg]
    """A file that is on the disk, as storages take it: to be moved, or to be copied."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.open("rb"), path.name)
        self._path = path

    def temporary_file_path(self) -> str:
        """Say where it is, so that it can be moved."""
        return str(self._path)


class StoredArtifacts:
    """The ArtifactStore protocol over the storage `artifacts`; a scope is a team's key.

    Another storage than files must put content in the place of what has the same name.
    """

    def __init__(self, limit: int | None = None) -> None:
        """Bound the bytes of one content: as the settings say, unless given."""
        self._limit = settings.ARTIFACT_LIMIT if limit is None else limit

    def create(self, scope: str) -> ArtifactWriter:
        """Begin new content."""
        incoming = settings.DATA_DIR / "artifacts" / INCOMING
        return FileWriter(incoming, self._limit, partial(self._put, scope))

    def open(self, scope: str, digest: str) -> BinaryIO:
        """Read content from its beginning; raises MissingArtifact."""
        try:
            return cast("BinaryIO", storages["artifacts"].open(place_of(scope, digest)))
        except OSError as fault:
            raise MissingArtifact(digest) from fault

    def _put(self, scope: str, path: Path, digest: str) -> None:
        with Written(path) as written:
            storages["artifacts"].save(place_of(scope, digest), written)


def keep_file_for(team: str) -> Callable[[Path], Artifact]:
    """Give what keeps files for a team that a person at a terminal names by their paths."""
    return partial(keep_path, StoredArtifacts(), team)
