"""The workflows that come with the project, and who may see them: team Demo."""

import hashlib
from pathlib import Path

from django.contrib.auth.models import User

from runner.graph.definition import GraphDefinition
from workflows.models import Membership, Role, Team, Workflow

LIBRARY = Path(__file__).resolve().parent.parent / "runner" / "library"
FOLDER = LIBRARY / "demos"
#: Examples that show one idea each: to begin with, not loaded as workflows.
GALLERY = LIBRARY / "gallery"


def demo_team() -> Team:
    """Give team Demo; the first call makes it."""
    team, _ = Team.objects.get_or_create(slug="demo", defaults={"name": "Demo"})
    return team


def load_demos(folder: Path = FOLDER) -> list[str]:
    """Save each demo whose definition changed as a new version; give their names."""
    team = demo_team()
    return [
        name
        for path in sorted(folder.glob("*.json"))
        if (name := _load(team, path.read_text(encoding="utf-8")))
    ]


def _load(team: Team, text: str) -> str:
    definition = GraphDefinition.from_json(text)
    told = {"title": definition.title or definition.name, "help": definition.help}
    known = Workflow.objects.filter(team=team, name=definition.name)
    if known.exclude(removed_at=None).exists():
        return ""  # somebody took it away
    workflow, _ = known.update_or_create(team=team, name=definition.name, defaults=told)
    canonical = definition.to_json()
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    if workflow.versions.filter(digest=digest).exists():
        return ""  # what people made of it since is theirs
    workflow.revise(canonical, note="shipped with Anabranch")
    return definition.name


def add_demo_person(name: str, password: str) -> User:
    """Make the first person: owns team Demo and may enter the admin."""
    person = User.objects.create_superuser(name, password=password)
    Membership.objects.create(team=demo_team(), user=person, role=Role.OWNER)
    return person
