"""The draft of a workflow: every act on it is kept, can be undone, and is never overwritten."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from django.conf import settings
from django.db import models, transaction

from runner.editing.acts import Done, carry_out, read_edit
from runner.editing.changes import Change, StaleEdit, applied, collisions, differences
from runner.editing.draft import Draft
from runner.editing.edit import Edit
from runner.editing.sheet import Sheet
from runner.errors import DefinitionError
from runner.graph.definition import GraphDefinition
from runner.graph.registry import TaskRegistry
from runner.graph.values import dump
from workflows.models.drawings import drafted, remember
from workflows.models.team import Person
from workflows.models.workflow import Workflow, WorkflowVersion

#: So many acts of one person can be taken back.
UNDO_DEPTH = 200

Kind = Literal["do", "undo", "redo"]


class OutdatedAct(DefinitionError):
    """An act that was meant for an older draft, and is about what somebody changed since.

    `theirs` are the acts that it collides with.
    """

    def __init__(self, sentence: str, theirs: Iterable["DraftAct"] = ()) -> None:
        """Keep the sentence and the acts."""
        super().__init__(sentence)
        self.theirs = tuple(theirs)


class WorkflowDraft(models.Model):
    """What a team is drawing: not published, saved with every act, and numbered by them."""

    workflow = models.OneToOneField(Workflow, on_delete=models.CASCADE, related_name="draft")
    base = models.ForeignKey(
        WorkflowVersion, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    definition = models.TextField()
    layout = models.TextField(default="{}")
    revision = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"draft of {self.workflow}, {self.revision}"

    @property
    def drawing(self) -> Draft:
        """The definition with its sheet."""
        return drafted(self.definition, self.layout)

    @staticmethod
    def layout_text(sheet: Sheet) -> str:
        """Write a sheet as it is kept."""
        return dump(sheet.to_document())

    @property
    def is_published(self) -> bool:
        """Whether its version says the same already, the sheet included."""
        version = self.base
        if version is None or _canonical(version.definition) != self.definition:
            return False
        # Without a layout of its own it was drawn by the machine, as an untouched draft is.
        return version.layout == self.layout or not (version.layout or self.revision)

    def arrange(self, drawing: Draft) -> None:
        """Write where things stand, as if it had always been so: no act, no revision."""
        self.layout = self.layout_text(drawing.sheet)
        self.save(update_fields=["layout"])

    def keep(self, drawing: Draft) -> None:
        """Write a drawing as the next revision."""
        self.definition = drawing.definition.to_json()
        self.layout = self.layout_text(drawing.sheet)
        self.revision += 1
        self.save(update_fields=["definition", "layout", "revision", "changed_at"])
        remember(self.definition, self.layout, drawing.definition)


class DraftAct(models.Model):
    """One act on a draft: who did it, what it is called, what was asked, and what it changed.

    `of` is the act that this one takes back or does again.
    """

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="acts", db_index=False
    )
    revision = models.PositiveIntegerField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=4, choices=[(each, each) for each in ("do", "undo", "redo")])
    words = models.CharField(max_length=200)
    asked = models.TextField(default="{}")
    changes = models.TextField()
    of = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workflow", "revision"], name="one_act_a_revision"),
        ]

    def __str__(self) -> str:
        return f"{self.revision}: {self.words}"

    @property
    def changed(self) -> tuple[Change, ...]:
        """What it changed."""
        return tuple(Change.from_document(each) for each in json.loads(self.changes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a person can take back and do again, the next one last."""

    done: Sequence[DraftAct]
    undone: Sequence[DraftAct]


# ── beginning and publishing ────────────────────────────────────────────────────────────────────


def draft_of(workflow: Workflow) -> WorkflowDraft:
    """Give the draft; it begins as the latest version, or empty.

    Raises DefinitionError for a workflow from code.
    """
    if workflow.is_from_code:
        raise DefinitionError(f"{workflow} is written in code; copy it, and change the copy.")
    known = WorkflowDraft.objects.filter(workflow=workflow).first()
    if known is not None:
        known.workflow = workflow
        return known
    version = workflow.latest
    empty = GraphDefinition(name=workflow.name, title=workflow.title).to_json()
    draft, _ = WorkflowDraft.objects.get_or_create(
        workflow=workflow,
        defaults={
            "base": version,
            "definition": _canonical(version.definition) if version else empty,
            "layout": (version.layout if version else "") or "{}",
        },
    )
    return draft


@lru_cache(maxsize=32)
def _canonical(definition: str) -> str:
    """Write a version's definition as a draft would; asked after each act, and it never changes."""
    return drafted(definition, "{}").definition.to_json()


def publish(workflow: Workflow, person: Person, note: str = "") -> WorkflowVersion:
    """Make the draft the next version, unless the latest one says the same.

    Raises DefinitionError as long as something keeps it from being run.
    """
    with transaction.atomic():
        draft = _locked(workflow)
        definition = GraphDefinition.from_json(draft.definition)
        if problems := definition.check(workflow.registry):
            raise DefinitionError.of(problems)
        version = workflow.revise(draft.definition, person, note[:500], draft.layout)
        draft.base = version
        draft.save(update_fields=["base"])
        Workflow.objects.filter(pk=workflow.pk).update(
            title=definition.label[:200], help=definition.help
        )
    return version


def replace_draft(workflow: Workflow, person: Person, drawing: Draft, words: str) -> DraftAct:
    """Let the draft say something else as a whole: an import, or an old version; one act."""
    with transaction.atomic():
        draft = _locked(workflow)
        changes = differences(draft.drawing, drawing)
        done = Done(draft=drawing, changes=changes, words=words)
        return _keep(draft, person, done, kind="do")


# ── acts ────────────────────────────────────────────────────────────────────────────────────────


def act(workflow: Workflow, person: Person, base: int, asked: Mapping[str, Any]) -> DraftAct | None:
    """Do what a person asks of the draft as it was at revision `base`; None: nothing changes.

    Raises OutdatedAct when somebody has changed the same meanwhile, DefinitionError with one
    sentence when it cannot be done.
    """
    edit = read_edit(asked)
    with transaction.atomic():
        draft = _locked(workflow)
        done = _rebased(draft, base, edit, workflow.registry)
        if not done.changes:
            return None
        return _keep(draft, person, done, kind="do", asked=asked)


def undo(workflow: Workflow, person: Person) -> DraftAct | None:
    """Take back the last act of a person; None when there is none.

    Raises OutdatedAct when what it is about has been changed since.
    """
    with transaction.atomic():
        draft = _locked(workflow)
        done = stack_of(workflow, person).done
        return _turn(draft, person, done[-1], "undo") if done else None


def redo(workflow: Workflow, person: Person) -> DraftAct | None:
    """Do again what a person took back last; None when there is nothing.

    Raises OutdatedAct when what it is about has been changed since.
    """
    with transaction.atomic():
        draft = _locked(workflow)
        undone = stack_of(workflow, person).undone
        return _turn(draft, person, undone[-1], "redo") if undone else None


def stack_of(workflow: Workflow, person: Person) -> Stack:
    """Say what a person can take back and do again; a new act forgets what was taken back."""
    acts = workflow.acts.filter(person_id=person.pk).defer("asked", "changes")
    own = acts.order_by("-revision")[: 2 * UNDO_DEPTH]
    done: list[DraftAct] = []
    undone: list[DraftAct] = []
    for each in reversed(own):
        if each.kind == "do":
            done.append(each)
            undone.clear()
        elif each.kind == "undo" and done:
            done.pop()
            undone.append(each)
        elif each.kind == "redo" and undone:
            undone.pop()
            done.append(each)
    return Stack(done=done[-UNDO_DEPTH:], undone=undone)


def drawing_at(draft: WorkflowDraft, revision: int) -> Draft:
    """Give the draft as it was at a revision."""
    drawing = draft.drawing
    for each in draft.workflow.acts.filter(revision__gt=revision).order_by("-revision"):
        drawing = applied(drawing, [change.turned() for change in each.changed])
    return drawing


def _locked(workflow: Workflow) -> WorkflowDraft:
    """Give the draft with nobody else writing to it until the transaction ends."""
    draft = draft_of(workflow)
    return (
        WorkflowDraft.objects.select_for_update(of=("self",))
        .select_related("workflow", "base")
        .get(pk=draft.pk)
    )


def _rebased(draft: WorkflowDraft, base: int, edit: Edit, registry: TaskRegistry) -> Done:
    if base == draft.revision:
        return carry_out(edit, draft.drawing, registry)
    later = list(draft.workflow.acts.filter(revision__gt=base).order_by("revision"))
    if not 0 <= base < draft.revision or len(later) != draft.revision - base:
        raise OutdatedAct("This page shows a draft that is not known here; load it again.")
    meant = carry_out(edit, drawing_at(draft, base), registry)
    theirs = [each for each in later if collisions(meant.changes, each.changed)]
    if theirs:
        raise OutdatedAct(_said(theirs[-1]), theirs)
    try:
        return carry_out(edit, draft.drawing, registry)
    except DefinitionError as fault:
        raise OutdatedAct(f"{fault.sentence} {_said(later[-1])}", later) from fault


def _said(other: DraftAct) -> str:
    who = other.person.get_username() if other.person else "Somebody"
    return f"{who} has changed the same meanwhile: {other.words}."


def _turn(draft: WorkflowDraft, person: Person, of: DraftAct, kind: Kind) -> DraftAct:
    changes = tuple(change.turned() for change in of.changed)
    act = "undone" if kind == "undo" else "done again"
    try:
        drawing = applied(draft.drawing, changes)
    except StaleEdit as fault:
        raise OutdatedAct(f"“{of.words}” cannot be {act}: {fault.sentence}") from fault
    first = of
    while first.of is not None:
        first = first.of
    words = f"{kind.capitalize()}: {first.words}"[:200]
    return _keep(draft, person, Done(draft=drawing, changes=changes, words=words), kind=kind, of=of)


def _keep(
    draft: WorkflowDraft,
    person: Person,
    done: Done,
    *,
    kind: Kind,
    asked: Mapping[str, Any] | None = None,
    of: DraftAct | None = None,
) -> DraftAct:
    draft.keep(done.draft)
    return DraftAct.objects.create(
        workflow=draft.workflow,
        revision=draft.revision,
        person_id=person.pk,
        kind=kind,
        words=done.words,
        asked=dump(dict(asked or {})),
        changes=dump([change.to_document() for change in done.changes]),
        of=of,
    )
