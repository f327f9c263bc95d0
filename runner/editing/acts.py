"""Every act there is, read from JSON and carried out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from runner.editing.arranging import Move, PutFrame, PutNote, RemoveFrame, RemoveNote
from runner.editing.borders import Expose, RemoveInput, RemoveOutput, SetGraph, SetInput, SetOutput
from runner.editing.changes import Change, differences
from runner.editing.dataflows import Connect, Disconnect
from runner.editing.draft import Draft
from runner.editing.edit import Edit, new_problems
from runner.editing.groups import Group, Unpack
from runner.editing.pasting import Paste
from runner.editing.rereading import known_in, reread
from runner.editing.strategies import AddSubtask
from runner.editing.tasks import (
    AddTask,
    BridgeTask,
    InsertTask,
    OrderTasks,
    RemoveTasks,
    SetDisabled,
    SetTask,
    SetTitle,
    SetValue,
)
from runner.errors import DefinitionError, RunnerError
from runner.graph.checking import check_nesting
from runner.graph.registry import TaskRegistry

AnyEdit = Annotated[
    AddTask
    | RemoveTasks
    | SetTitle
    | SetDisabled
    | SetValue
    | SetTask
    | InsertTask
    | BridgeTask
    | OrderTasks
    | Connect
    | Disconnect
    | SetInput
    | RemoveInput
    | SetOutput
    | Expose
    | RemoveOutput
    | SetGraph
    | Move
    | PutNote
    | RemoveNote
    | PutFrame
    | RemoveFrame
    | Group
    | Unpack
    | AddSubtask
    | Paste,
    Field(discriminator="op"),
]
_READER: TypeAdapter[Edit] = TypeAdapter(AnyEdit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of an act: the new draft, what differs, and what the act is called."""

    draft: Draft
    changes: tuple[Change, ...]
    words: str


def read_edit(document: Mapping[str, Any]) -> Edit:
    """Read an act from its JSON object; raises DefinitionError with one sentence."""
    try:
        return _READER.validate_python(dict(document))
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(each) for each in first["loc"][1:])[:80]
        where = f" (at {place})" if place else ""
        raise DefinitionError(f"This act cannot be understood: {first['msg']}{where}.") from fault


def carry_out(edit: Edit, draft: Draft, registry: TaskRegistry) -> Done:
    """Do an act; raises DefinitionError with one sentence, and then nothing has changed.

    What has to fit is refused for the first problem that it would make in its level; what it
    leaves behind elsewhere, and what any other act does, the list of problems shows.
    """
    try:
        words = edit.words(draft)[:200]
        edited = edit.edited(draft, registry)
    except DefinitionError:
        raise
    except RunnerError as fault:
        raise DefinitionError(fault.sentence) from fault
    check_nesting(edited.definition)
    edited = _read_again(edited, draft)
    if edit.must_fit:
        levels = [each.level(getattr(edit, "level", "")) for each in (draft, edited)]
        if problems := new_problems(*(level.check(registry) for level in levels)):
            raise DefinitionError.of(problems[:1])
    return Done(draft=edited, changes=differences(draft, edited), words=words)


def _read_again(edited: Draft, before: Draft) -> Draft:
    """Check whatever an act let in as a file would be."""
    old = {id(task) for _, level in before.walk() for task in level.tasks}
    try:
        document = edited.definition.to_document()
    except RunnerError as fault:
        raise DefinitionError(fault.sentence) from fault
    known = known_in(document, edited.definition, lambda task: id(task) in old)
    return Draft(definition=reread(document, known), sheet=edited.sheet)
