"""How a workflow begins: from nothing, like another one, or from a file."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django import forms
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from runner.editing.draft import Draft
from runner.errors import DefinitionError
from runner.graph.definition import GraphDefinition
from runner.graph.shape import check_shape
from workflows.models import Right, Team, Workflow, WorkflowDraft
from workflows.models.drawings import drafted
from workflows.models.team import Person

NAME_LETTERS = 100


class BeginForm(forms.Form):
    """What a new workflow is called, whose it is, and what it begins with."""

    title = forms.CharField(max_length=200, help_text="As people will call it.")
    team = forms.ModelChoiceField(Team.objects.none())
    like = forms.ModelChoiceField(
        Workflow.objects.none(),
        required=False,
        empty_label="nothing: an empty canvas",
        label="Begins like",
    )
    text = forms.CharField(
        required=False,
        label="Or from JSON",
        help_text="As Export gives it: paste it here, or choose the file.",
        widget=forms.Textarea(attrs={"rows": 6, "class": "code", "spellcheck": "false"}),
    )
    file = forms.FileField(required=False, label="File")

    def __init__(self, person: Person, data: Any = None, files: Any = None, **more: Any) -> None:
        super().__init__(data, files, **more)
        teams: Any = self.fields["team"]
        teams.queryset = Team.objects.visible_to(person, Right.EDIT).order_by("name")
        likes: Any = self.fields["like"]
        likes.queryset = Workflow.objects.visible_to(person).order_by("title")
        self.drawing: Draft | None = None
        # The first team is meant as long as nobody says otherwise.
        teams.initial = teams.queryset.first()

    def clean(self) -> dict[str, Any]:
        """Read what it begins with; a file counts before a text, a text before another workflow."""
        super().clean()
        given = self.cleaned_data
        try:
            if given.get("file"):
                self.drawing = imported(_read(given["file"]))
            elif (given.get("text") or "").strip():
                self.drawing = imported(_read_text(given["text"]))
            elif given.get("like"):
                self.drawing = drawing_of(given["like"])
        except DefinitionError as fault:
            self.add_error("file" if given.get("file") else "text", fault.sentence)
        return given


def imported(text: str | bytes) -> Draft:
    """Read what Export gave, or anybody wrote; raises DefinitionError with one sentence.

    A task type that is not installed, and what is not set up yet, are no fault of a file: the
    editor lists them.
    """
    drawing = Draft.from_json(text)
    check_shape(drawing.definition)
    return drawing


def drawing_of(workflow: Workflow) -> Draft:
    """Give what a workflow's latest version draws; empty without a version."""
    version = workflow.latest
    if version is None:
        return Draft(definition=GraphDefinition())
    return drafted(version.definition, version.layout or "{}")


def begin(team: Team, title: str, drawing: Draft | None, person: Person) -> Workflow:
    """Make a workflow whose draft is a drawing; nothing of it is published yet."""
    for name in _names(title):
        try:
            with transaction.atomic():
                made = Workflow.objects.create(
                    team=team, name=name, title=title, created_by_id=person.pk
                )
                WorkflowDraft.objects.create(workflow=made, **_kept(drawing, name, title))
        except IntegrityError:
            continue
        return made
    raise DefinitionError("There are too many workflows of this name; choose another one.")


def _names(title: str) -> Sequence[str]:
    base = slugify(title)[:NAME_LETTERS] or "workflow"
    return [base, *(f"{base}-{number}" for number in range(2, 1000))]


def _kept(drawing: Draft | None, name: str, title: str) -> dict[str, Any]:
    drawing = drawing or Draft(definition=GraphDefinition())
    named = replace(drawing.definition, name=name, title=title)
    return {
        "definition": named.to_json(),
        "layout": WorkflowDraft.layout_text(drawing.sheet),
    }


def _read(file: Any) -> bytes:
    if (file.size or 0) > settings.IMPORT_LIMIT:
        raise DefinitionError(f"The file is larger than {settings.IMPORT_LIMIT >> 20} MiB.")
    return bytes(file.read())


def _read_text(text: str) -> str:
    """Take a pasted text as it was copied: browsers send each line's end as two signs."""
    plain = text.replace("\r\n", "\n")
    if len(plain.encode(errors="replace")) > settings.IMPORT_LIMIT:
        raise DefinitionError(f"The text is larger than {settings.IMPORT_LIMIT >> 20} MiB.")
    return plain
