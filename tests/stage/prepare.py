"""python -m tests.stage.prepare: makes what people would have made, and says where it is.

It uses the database that the environment names, and prints JSON: the key of a session of the demo
person's, the ids of workflows by name, and the ids of runs by what they are on the stage for.
"""

import json
import sys
from typing import Any

from tests.stage.drawings import catchment, digest, half_drawn

#: The runs of the digest's versions and of the catchment: their part, and their river.
FIRST_VERSION = {"completed": "Loire", "earlier": "Thames", "failed": "Styx"}
SECOND_VERSION = {"awaiting": "Danube", "running": "Amazon", "cancelled": "Amazon"}
LARGE = {"large": "Amazon", "large-completed": "Rhine"}


def prepare() -> dict[str, Any]:
    """Make workflows, runs and a session."""
    import django

    django.setup()
    from django.contrib.auth.models import User

    from workflows.models import Team, Workflow

    person = User.objects.get(username="demo")
    team = Team.objects.get(slug="demo")

    def made(name: str, title: str, **more: str) -> Workflow:
        return Workflow.objects.create(team=team, name=name, title=title, created_by=person, **more)

    river = made(
        "river-digest", "River digest", help="What the gauges along a river say, in words."
    )
    model = made("catchment", "Catchment model", help="Two hundred tasks beside two streams.")
    first = river.revise(digest(approved=False), person, note="gauges, a digest, a translation")
    second = river.revise(digest(approved=True), person, note="somebody has to approve it")
    large = model.revise(catchment(), person)
    _begin_drawing(made("flood-warning", "Flood warning"), person)
    runs = {
        part: _started(version, person, river, part)
        for version, rivers in (
            (first, FIRST_VERSION),
            (second, SECOND_VERSION),
            (large, LARGE),
        )
        for part, river in rivers.items()
    }
    workflows = {each.name: str(each.pk) for each in Workflow.objects.filter(team=team)}
    _cancel(runs["cancelled"], person)
    return {"session": _session(person), "workflows": workflows, "runs": runs}


def _started(version: Any, person: Any, river: str, part: str) -> str:
    from workflows.models import Run

    label = "spring flood" if part == "running" else ""
    return str(Run.objects.start(version, person, {"river": river}, label=label).pk)


def _cancel(run: str, person: Any) -> None:
    from workflows.models import Run

    Run.objects.get(pk=run).request("cancel", person)


def _begin_drawing(workflow: Any, person: Any) -> None:
    from runner.editing.draft import Draft
    from runner.graph.definition import GraphDefinition
    from workflows.models.drafting import replace_draft

    drawn = Draft(definition=GraphDefinition.from_json(half_drawn()))
    replace_draft(workflow, person, drawn, "Begin")


def _session(person: Any) -> str:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    return str(session.session_key)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(prepare()))
