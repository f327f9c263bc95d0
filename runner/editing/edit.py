"""Edit: what all acts on a draft have in common; how they are read, and what they are called."""

from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from runner.editing.draft import Draft
from runner.errors import DefinitionError, Problem
from runner.graph.checking import CheckedGraph, examine
from runner.graph.definition import DefinedTask, GraphDefinition
from runner.graph.registry import TaskRegistry

PATH_LETTERS = 32 * 65
#: A task's path, or a level's: "clean/hash"; empty for the whole drawing.
Path = Annotated[str, StringConstraints(max_length=PATH_LETTERS)]
Name = Annotated[str, StringConstraints(max_length=64)]
End = Annotated[str, StringConstraints(max_length=140)]
Title = Annotated[str, StringConstraints(max_length=200)]
Number = Annotated[float, Field(ge=-1_000_000, le=1_000_000, allow_inf_nan=False)]
At = tuple[Number, Number]


class Edit(BaseModel):
    """One act on a draft: values that came from a browser or from code, and what they do."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    op: str
    #: Whether what it draws has to fit: then it is refused for the problems it would make.
    must_fit: ClassVar[bool] = False

    def edited(self, draft: Draft, registry: TaskRegistry) -> Draft:
        """Give the draft with this done; raises DefinitionError with one sentence."""
        raise NotImplementedError

    def words(self, draft: Draft) -> str:
        """Name the act for the history, as of the draft before it."""
        raise NotImplementedError


class InLevel(Edit):
    """An act inside of one level."""

    level: Path = ""

    def checked(self, draft: Draft, registry: TaskRegistry) -> CheckedGraph:
        """Examine the level it is about."""
        return examine(draft.level(self.level), registry)


def title_of(draft: Draft, path: str) -> str:
    """Say a task as a person calls it; by its id where there is no such task."""
    try:
        task = draft.task(path)
    except DefinitionError:
        return path
    return task.title or task.id


def end_in_words(draft: Draft, level: str, end: str) -> str:
    """Say the end of a dataflow: "Fetch.text"."""
    task_id, _, port = end.partition(".")
    if task_id == "$inputs":
        return f"input {port}"
    return f"{title_of(draft, f'{level}/{task_id}' if level else task_id)}.{port}"


def free_id(level: GraphDefinition, wanted: str, taken: Iterable[str] = ()) -> str:
    """Give an id that no task of a level has: the wanted one, or with a number after it."""
    known = {task.id for task in level.tasks} | set(taken)
    base = "".join(
        sign if (sign.isascii() and sign.isalnum()) or sign in "_-" else "_" for sign in wanted
    )
    base = base.strip("_")[:56] or "task"
    found, number = base, 1
    while found in known:
        number += 1
        found = f"{base}_{number}"
    return found


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """Give a port name that is not taken: the wanted one, or with a number after it."""
    known = set(taken)
    base = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in wanted)[:56]
    base = base if base[:1].isalpha() or base[:1] == "_" else f"_{base}"
    found, number = base, 1
    while found in known:
        number += 1
        found = f"{base}_{number}"
    return found


def new_problems(before: Iterable[Problem], after: Iterable[Problem]) -> list[Problem]:
    """Give the problems that were not there before."""
    known = list(before)
    found = []
    for problem in after:
        if problem in known:
            known.remove(problem)
        else:
            found.append(problem)
    return found


def plain_inside(task: DefinedTask) -> GraphDefinition:
    """Give what is inside of a task; raises DefinitionError for a task without an inside."""
    if task.graph is None:
        raise DefinitionError(f"{task.title or task.id} has nothing inside.")
    return task.graph
