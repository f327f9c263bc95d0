"""The examples to begin with: what is shipped and what installed modules bring, as tiles."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.safestring import SafeString, mark_safe

from runner.editing.draft import Draft
from runner.errors import DefinitionError
from runner.graph.definition import GraphDefinition
from runner.graph.registry import default_registry
from workflows.canvas import laid_out
from workflows.demo_library import FOLDER, GALLERY
from workflows.models import Origin, Right, Team, Workflow, WorkflowDraft
from workflows.models.drafting import DraftAct, draft_of, replace_draft
from workflows.models.team import Person
from workflows.svg_drawing import picture_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A workflow that anybody may begin with: what it is called, what it does, how it looks."""

    definition: GraphDefinition

    @property
    def name(self) -> str:
        """By what it is asked for."""
        return self.definition.name

    @property
    def title(self) -> str:
        """What a person calls it."""
        return self.definition.label

    @property
    def sentence(self) -> str:
        """What it does, in one sentence."""
        first, stop, _ = self.definition.help.partition(". ")
        return f"{first}." if stop else first

    @property
    def picture(self) -> SafeString:
        """Its drawing in small, without words."""
        return mark_safe(picture_of(self.definition.to_json()))  # noqa: S308 - numbers alone

    @property
    def drawing(self) -> Draft:
        """What a draft that begins with it draws."""
        return Draft(definition=self.definition)


def examples() -> list[Example]:
    """Give the examples: the demos first, those that show one idea each, then the graphs of installed modules."""
    shipped = [path for folder in (FOLDER, GALLERY) for path in sorted(folder.glob("*.json"))]
    found = [GraphDefinition.from_json(path.read_text(encoding="utf-8")) for path in shipped]
    found += default_registry().graphs.values()
    return [Example(definition=each) for each in {each.name: each for each in found}.values()]


def examples_for(person: Person) -> Sequence[Example]:
    """Give the examples as long as nobody has drawn anything in the teams that a person edits."""
    teams = Team.objects.visible_to(person, Right.EDIT)
    own = Workflow.objects.filter(team__in=teams, origin=Origin.DRAWN, removed_at=None)
    if not teams.exists() or own.exclude(created_by=None).exists():
        return ()
    return examples()


def examples_on(drawing: Draft) -> Sequence[Example]:
    """Give the examples that an empty drawing may begin with; none for any other."""
    return examples() if _is_empty(drawing.definition) else ()


def example_called(name: str) -> Example:
    """Find an example; raises DefinitionError when there is none of this name."""
    for each in examples():
        if each.name == name:
            return each
    raise DefinitionError("There is no such example any more; choose another one.")


def begin_as(workflow: Workflow, person: Person, example: Example) -> DraftAct:
    """Let an empty draft draw what an example draws; raises DefinitionError for any other."""
    draft: WorkflowDraft = draft_of(workflow)
    own = draft.drawing.definition
    if not _is_empty(own):
        raise DefinitionError("An example can only be put onto an empty canvas.")
    named = replace(example.definition, name=own.name, title=own.title or example.title)
    drawing = laid_out(Draft(definition=named), workflow.registry)
    return replace_draft(workflow, person, drawing, f"Begin with {example.title}"[:200])


def _is_empty(definition: GraphDefinition) -> bool:
    return not (definition.tasks or definition.inputs or definition.outputs)
