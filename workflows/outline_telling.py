"""What a person says in the outline: the act, or the acts, that it means, done."""

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from django.http import QueryDict

from runner.editing.draft import Draft
from runner.editing.pasting import clip_of
from runner.errors import DefinitionError, RunnerError
from runner.graph.values import dump
from workflows.models import Workflow
from workflows.models.drafting import DraftAct, draft_of, publish, redo, undo
from workflows.models.team import Person
from workflows.outline_acts import adding, asked_of, chosen_in, tidying
from workflows.panel import Act
from workflows.pinning import told_pin
from workflows.sheet_panel import SHEET_FORMS, SheetPanel
from workflows.telling import Panel, Told, carry_out_all, panel_of, revision_in, tell

#: The forms of the panel; the others are the outline's own.
PANEL_FORMS = frozenset(
    {"task", "strategy", "json", "graph", "input", "output", "remove-input", "remove-output", "pin"}
)
#: What was copied last, in a person's session: it goes from level to level, and to other workflows.
CLIP = "clip"
MOST_CLIP = 512 * 1024
_TURNS: Mapping[str, Callable[[Workflow, Person], DraftAct | None]] = {"undo": undo, "redo": redo}


def told_in_outline(
    workflow: Workflow,
    person: Person,
    where: tuple[str, str],
    data: QueryDict,
    session: MutableMapping[str, Any],
) -> Told:
    """Do what a form says; `where` is the level shown and the task of the panel.

    What is refused keeps the panel as it was.
    """
    if data.get("form", "task") in PANEL_FORMS:
        return tell(workflow, person, *where, data)
    try:
        return _done(workflow, person, where, data, session)
    except RunnerError as fault:
        forms = panel_if_there(workflow, *where)
        return Told(forms=forms, sentence=fault.sentence, refused=True)


def panel_if_there(workflow: Workflow, level: str, path: str) -> Panel | None:
    """Give the panel as it is; None when what it was about is gone."""
    try:
        return panel_of(workflow, draft_of(workflow).drawing, level, path)
    except DefinitionError:
        return None


def copied(session: Mapping[str, Any]) -> int:
    """Say how many tasks have been copied."""
    clip = session.get(CLIP) or {}
    return len(clip.get("graph", {}).get("tasks", ()))


def _done(
    workflow: Workflow,
    person: Person,
    where: tuple[str, str],
    data: QueryDict,
    session: MutableMapping[str, Any],
) -> Told:
    form = data.get("form", "")
    if form == "publish":
        version = publish(workflow, person, data.get("note", ""))
        return Told(forms=None, said=f"Published as version {version.number}")
    if turn := _TURNS.get(form):
        made = turn(workflow, person)
        return Told(forms=None, done=(made,) if made else ())
    if task_id := data.get("pin", ""):
        return Told(forms=None, said=told_pin(workflow, person, task_id, "turn"))
    drawing = draft_of(workflow).drawing
    said = ""
    if form == "list" and data.get("all") in {"clip", "cut"}:
        said = _keep_clip(workflow, drawing, data, session)
        if data.get("all") == "clip":
            return Told(forms=None, said=said)
    asked = _asked(workflow, drawing, where, data, session)
    if asked is None:
        return Told(forms=panel_if_there(workflow, *where), refused=True)
    done = carry_out_all(workflow, person, revision_in(data), [asked])
    return Told(forms=None, done=tuple(done), said=said)


def _asked(
    workflow: Workflow,
    drawing: Draft,
    where: tuple[str, str],
    data: QueryDict,
    session: Mapping[str, Any],
) -> Act | None:
    """Give the act that a form means; None when a field of it is wrong."""
    level, path = where
    form, registry = data.get("form", ""), workflow.registry
    if form in SHEET_FORMS:
        return SheetPanel(drawing, level, path, data).act()
    if form == "tidy":
        return tidying(drawing, level, registry)
    if form == "paste":
        return _pasting(level, data, session)
    if kind := data.get("add", ""):
        return adding(level, kind, data.get("place", ""))
    return asked_of(drawing, registry, data)


def _keep_clip(
    workflow: Workflow, drawing: Draft, data: QueryDict, session: MutableMapping[str, Any]
) -> str:
    chosen = chosen_in(drawing, workflow.registry, data)
    clip = clip_of(drawing, chosen.level, chosen.ids)
    if len(dump(clip)) > MOST_CLIP:
        most = f"{MOST_CLIP // 1024} KiB"
        raise DefinitionError(f"This is more than the {most} that can be copied; choose fewer.")
    session[CLIP] = clip
    return f"Copied {len(chosen.ids)} task{'' if len(chosen.ids) == 1 else 's'}"


def _pasting(level: str, data: QueryDict, session: Mapping[str, Any]) -> Act:
    clip = session.get(CLIP)
    if not clip:
        raise DefinitionError("Nothing has been copied yet.")
    return {"op": "paste", "level": level, "clip": clip, "links": "links" in data}
