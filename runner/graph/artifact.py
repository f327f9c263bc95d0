"""Artifact: a stored file as a value: known by the hash of its content, read where it is kept."""

import re
from contextvars import ContextVar
from typing import Any, BinaryIO, NoReturn, Protocol

from pydantic_core import CoreSchema, core_schema

from runner.errors import MissingArtifact, ValueFault

ANY_MEDIA_TYPE = "application/octet-stream"
LONGEST_NAME = 200
LARGEST_SIZE = 1 << 50
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}")
_REFUSED = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Artifact:
    """A stored file: its SHA-256 (64 hex digits), size in bytes, name and media type.

    Nothing of it ever changes. It is no dataclass, because pydantic would take one apart where a
    port's type is `any`. Raises ValueFault for anything that no stored file has.
    """

    __slots__ = ("digest", "media_type", "name", "size")

    digest: str
    media_type: str
    name: str
    size: int

    def __init__(
        self, *, digest: str, size: int, name: str = "", media_type: str = ANY_MEDIA_TYPE
    ) -> None:
        _check(digest, size, name, media_type)
        for field, value in zip(self.__slots__, (digest, media_type, name, size), strict=True):
            object.__setattr__(self, field, value)

    def open(self) -> BinaryIO:
        """Read the content, block by block, in a body of the run that has it.

        What is read to its end is compared with the hash. Raises MissingArtifact when the content
        is not there, and DamagedArtifact when it is another one.
        """
        contents = CONTENTS.get()
        if contents is None:
            raise MissingArtifact(self.digest, "only a task that runs can read it")
        return contents.open(self)

    def to_json(self) -> dict[str, Any]:
        """Give its fields as plain JSON, in an order that never changes."""
        return {field: getattr(self, field) for field in self.__slots__}

    def __setattr__(self, name: str, _value: object) -> NoReturn:
        """Refuse every change."""
        msg = f"{name} of an artifact never changes"
        raise AttributeError(msg)

    def __eq__(self, other: object) -> bool:
        """Whether it is the same content under the same name."""
        return isinstance(other, Artifact) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.digest, self.name))

    def __reduce__(self) -> tuple[Any, ...]:
        """Let copies be made of its fields."""
        return artifact_from, (self.to_json(),)

    def __repr__(self) -> str:
        return f"Artifact({self.name or self.digest[:12]!r}, {self.size} bytes)"

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> CoreSchema:
        """Take artifacts only: fields that look like one name no content that anybody stored."""
        return core_schema.is_instance_schema(cls)


class Contents(Protocol):
    """Where the content of artifacts is read."""

    def open(self, artifact: Artifact) -> BinaryIO:
        """Give the content from its beginning."""


#: Where a body that runs now reads content; set by the engine.
CONTENTS: ContextVar[Contents | None] = ContextVar("contents", default=None)


def artifact_from(document: object) -> Artifact:
    """Read what `to_json` gave; raises ValueFault for anything else."""
    if not isinstance(document, dict) or document.keys() != set(Artifact.__slots__):
        raise ValueFault("This describes no artifact.")
    return Artifact(**document)


def clean_name(name: str) -> str:
    """Give the last part of a file's name, without signs that no name should have."""
    last = re.split(r"[/\\]", name)[-1]
    return _REFUSED.sub("", last)[-LONGEST_NAME:].strip(" .")


def clean_media_type(media_type: str) -> str:
    """Give a media type without its parameters; the one for any bytes if it is none."""
    plain = media_type.partition(";")[0].strip()
    return plain if _MEDIA_TYPE.fullmatch(plain) else ANY_MEDIA_TYPE


def _check(digest: object, size: object, name: object, media_type: object) -> None:
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ValueFault("An artifact is known by its SHA-256, in 64 small hex digits.")
    if type(size) is not int or not 0 <= size <= LARGEST_SIZE:
        raise ValueFault("The size of an artifact is a count of bytes.")
    if not isinstance(name, str) or name != clean_name(name):
        raise ValueFault(f"The name {name!r:.80} is not one that an artifact may have.")
    if not isinstance(media_type, str) or not _MEDIA_TYPE.fullmatch(media_type):
        raise ValueFault(f"{media_type!r:.80} is no media type.")
