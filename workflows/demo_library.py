"""The workflows that come with the project, and who may see them: team Demo."""

import json
from pathlib import Path

from django.contrib.auth.models import User

from workflows.models import Membership, Role, Team, Workflow

FOLDER = Path(__file__).resolve().parent.parent / "runner" / "library" / "demos"


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
    document = json.loads(text)
    definition = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    told = {"title": document.get("title", ""), "help": document.get("help", "")}
    workflow, _ = Workflow.objects.update_or_create(team=team, name=document["name"], defaults=told)
    before = workflow.latest
    version = workflow.revise(definition, note="shipped with Anabranch")
    return "" if version == before else document["name"]


def add_demo_person(name: str, password: str) -> User:
    """Make the first person: owns team Demo and may enter the admin."""
    person = User.objects.create_superuser(name, password=password)
    Membership.objects.create(team=demo_team(), user=person, role=Role.OWNER)
    return person
