"""One port's value, written for reading: small ones whole, large ones by size and first words."""

import json
from dataclasses import dataclass

from runner.errors import RunnerError
from runner.graph.artifact import Artifact
from runner.graph.values import dump
from workflows.large_values import Reference, beginning_of, reference_in
from workflows.models.artifact import artifacts_in
from workflows.pictures import KNOWN, PICTURE_LIMIT, picture_type_of
from workflows.shown_tables import Table, table_of

VALUE_LIMIT = 64 * 1024
FILES = 100
PICTURES = 12
_LONGEST_ESCAPE = 12
#: How a value begins that is one artifact.
_FILE = '{"$artifact":'


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One port's value; `files` are the artifacts that it names, `problem` why it cannot be read.

    `raw` is how it is kept, and `pictures` those of the files that a browser may draw. A list of
    objects that is shown whole also comes as a table. `wanted` is how a person asked to see it.
    """

    port: str
    text: str
    size: int
    is_text: bool
    is_cut: bool
    raw: str = ""
    files: tuple[Artifact, ...] = ()
    pictures: tuple[Artifact, ...] = ()
    problem: str = ""
    table: Table | None = None
    wanted: str = ""

    @property
    def modes(self) -> tuple[str, ...]:
        """In which ways it can be shown, the best first."""
        if self.problem or not self.text:
            return ()
        tables = ("table",) if self.table else ()
        return (*tables, "pretty", *(("markdown",) if self.is_text else ()), "raw")

    @property
    def mode(self) -> str:
        """How it is shown: as it is wanted, else in the best way."""
        if self.wanted in self.modes:
            return self.wanted
        return self.modes[0] if self.modes else "pretty"


def shown(team: str, port: str, encoded: str, limit: int = VALUE_LIMIT) -> Value:
    """Write an encoded value for reading, cut where it gets too long for a page."""
    reference = reference_in(encoded)
    if reference:
        return _large(team, port, reference)
    files = tuple(artifacts_in(encoded)[:FILES])
    if encoded.startswith(_FILE):
        return Value(
            port=port,
            text="",
            size=files[0].size,
            is_text=False,
            is_cut=False,
            files=files,
            pictures=_pictures(team, files),
        )
    text, plain = written(encoded)
    return Value(
        port=port,
        text=text[:limit],
        size=len(text.encode()),
        is_text=plain,
        is_cut=len(text) > limit,
        raw=encoded[:limit],
        files=files,
        pictures=_pictures(team, files),
        table=table_of(encoded) if len(text) <= limit else None,
    )


def of_text(port: str, text: str, *, is_text: bool) -> Value:
    """Write what the chunks of a port add up to, the beginning of it where it is long."""
    return Value(
        port=port,
        text=text[:VALUE_LIMIT],
        size=len(text.encode()),
        is_text=is_text,
        is_cut=len(text) > VALUE_LIMIT,
        raw=(dump(text) if is_text else text)[:VALUE_LIMIT],
    )


def written(encoded: str) -> tuple[str, bool]:
    """Give a value as a person reads it, and whether it is a text."""
    try:
        value = json.loads(encoded)
    except ValueError:
        return encoded, True
    if isinstance(value, str):
        return value, True
    return json.dumps(value, indent=2, ensure_ascii=False), False


def _large(team: str, port: str, reference: Reference) -> Value:
    """Show the first words; the whole is there to be downloaded."""
    problem, beginning = "", ""
    try:
        beginning = beginning_of(team, reference)
    except RunnerError as fault:
        problem = str(fault)
    is_text = beginning.startswith('"')
    return Value(
        port=port,
        text=_first_words(beginning) if is_text else beginning,
        size=reference.size,
        is_text=is_text,
        is_cut=True,
        raw=beginning,
        problem=problem,
    )


def _pictures(team: str, files: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
    drawable = [each for each in files if each.media_type in KNOWN and each.size <= PICTURE_LIMIT]
    return tuple(each for each in drawable[:PICTURES] if picture_type_of(team, each.digest))


def _first_words(beginning: str) -> str:
    """Read the beginning of a JSON text, which may end within an escape."""
    for cut in range(_LONGEST_ESCAPE + 1):
        try:
            return str(json.loads(beginning[: len(beginning) - cut] + '"'))
        except ValueError:
            continue
    return beginning
