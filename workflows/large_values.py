"""Large values: their text is content beside the database, and a reference stands for it there.

A reference is a tag that no value can be written as, so nobody can make one up.
"""

import re
import sys
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from pydantic_core import from_json

from runner.execution.artifacts import RunArtifacts
from runner.graph.artifact import Artifact
from runner.graph.values import dump
from workflows.artifacts import StoredArtifacts

#: What a reader sees of a large value on a page.
BEGINNING = 1024
_REFERENCE = re.compile(r'\{"\$stored":"([0-9a-f]{64}) (\d{1,15})"\}')
#: The most that UTF-8 takes.
BYTES_A_SIGN = 4


@dataclass(frozen=True, slots=True)
class Reference:
    """The hash and the size in bytes of a text that is kept beside the database."""

    digest: str
    size: int

    def __str__(self) -> str:
        return f'{{"$stored":"{self.digest} {self.size}"}}'


def reference_in(text: str) -> Reference | None:
    """Read a reference; None for any other text."""
    found = _REFERENCE.fullmatch(text) if text.startswith('{"$stored"') else None
    return Reference(found[1], int(found[2])) if found else None


def is_large(text: str) -> bool:
    """Whether a text has more bytes than what is kept in the database."""
    limit: int = settings.LARGE_VALUE
    if len(text) * BYTES_A_SIGN <= limit:
        return False
    return len(text) > limit or len(text.encode()) > limit


def put_aside(team: str, text: str) -> str:
    """Give a text as the database keeps it: itself, or a reference once it is kept beside.

    Raises OSError when it cannot be written.
    """
    if not is_large(text):
        return text
    writer = StoredArtifacts(limit=sys.maxsize).create(team)
    try:
        writer.write(text.encode())
        return str(Reference(*writer.keep()))
    finally:
        writer.discard()


def whole(team: str, text: str) -> str:
    """Give the text that the database keeps, or refers to.

    Raises MissingArtifact, and DamagedArtifact when the content is not what was kept.
    """
    reference = reference_in(text)
    if reference is None:
        return text
    artifact = Artifact(digest=reference.digest, size=reference.size)
    with RunArtifacts(StoredArtifacts(), team).open(artifact) as content:
        return content.read().decode()


def beginning_of(team: str, reference: Reference) -> str:
    """Give the first words of a large value; raises MissingArtifact."""
    with StoredArtifacts().open(team, reference.digest) as content:
        return content.read(BEGINNING).decode(errors="ignore")


def inputs_aside(team: str, inputs: str) -> str:
    """Put the large values of an encoded object by port aside."""
    return (
        _each_of_object(inputs, lambda text: put_aside(team, text)) if is_large(inputs) else inputs
    )


def inputs_whole(team: str, inputs: str) -> str:
    """Give an encoded object by port with all its values; raises as `whole` does."""
    if '{"$stored":"' not in inputs:
        return inputs
    return _each_of_object(inputs, lambda text: whole(team, text))


def each_value(inputs: str) -> list[str]:
    """Give the encoded values of an encoded object by port, those that are large as references."""
    if '{"$stored":"' not in inputs:
        return []
    return [dump(value) for value in from_json(inputs).values()]


def _each_of_object(text: str, change: Any) -> str:
    values = from_json(text)
    changed = {port: change(dump(value)) for port, value in values.items()}
    return "{" + ",".join(f"{dump(port)}:{value}" for port, value in changed.items()) + "}"
