"""`manage.py share_run ID --as USER`: make a link that shows a run to guests, or revoke its links."""

import json
import re
from argparse import ArgumentParser
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.http import Http404
from django.urls import reverse

from runner.console import USAGE
from runner.errors import RunnerError
from workflows.access import shareable_run_for
from workflows.management.run_request import person_named
from workflows.models import Run
from workflows.models.share import LONGEST_LIFE, LONGEST_NOTE, Audience, revoke, share
from workflows.outline import Outline, outline_for
from workflows.redacting import Scope, shareable_ports

_SPAN = re.compile(r"([1-9]\d{0,4})([hd])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}


class Command(BaseCommand):
    """Make a link and print it, this once; or turn off all links of the run."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which run, in whose name, what of it, to whom and for how long."""
        parser.add_argument("run", help="the run's id")
        parser.add_argument("--as", dest="person", required=True, help="username")
        parser.add_argument("--task", default="", help="show this task alone, by its path")
        parser.add_argument("--port", action="append", default=[], help="show this: task.port")
        parser.add_argument("--expires", default="7d", help="12h, 7d: up to 90 days (7d)")
        parser.add_argument("--team", action="store_true", help="for members who are signed in")
        parser.add_argument("--note", default="", help="whom it is for")
        parser.add_argument("--revoke", action="store_true", help="turn off all its links instead")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the link, or revoke."""
        person = person_named(options["person"])
        run = _run(person, options["run"])
        told = _revoked(run, person) if options["revoke"] else _made(run, person, options)
        words = told.get("link") or f"revoked: {told['revoked']}"
        self.stdout.write(json.dumps(told) if options["json"] else str(words))


def _run(person: User, key: str) -> Run:
    try:
        return shareable_run_for(person, key)
    except Http404:
        raise CommandError(f"{person} may share no run {key!r}.", returncode=USAGE) from None


def _revoked(run: Run, person: User) -> dict[str, Any]:
    links = list(run.share_links.open())
    return {"run": str(run.pk), "revoked": sum(revoke(link, person) for link in links)}


def _made(run: Run, person: User, options: Mapping[str, Any]) -> dict[str, Any]:
    outline = outline_for(run)
    scope = Scope(task=_task(outline, options["task"]))
    try:
        link, token = share(
            run,
            person,
            life=_life(options["expires"]),
            task=scope.task,
            ports=_ports(outline, scope, options["port"]),
            audience=Audience.TEAM if options["team"] else Audience.ANYONE,
            note=options["note"][:LONGEST_NOTE],
        )
    except RunnerError as fault:
        raise CommandError(str(fault)) from None
    address = f"{settings.SITE_URL}{reverse('share-open')}#{token}"
    return {"link": address, "expires": f"{link.expires_at:%Y-%m-%dT%H:%M:%SZ}"}


def _task(outline: Outline, path: str) -> str:
    if path and path not in outline.places:
        raise CommandError(f"There is no task {path!r} in this run.", returncode=USAGE)
    return path


def _ports(outline: Outline, scope: Scope, names: Collection[str]) -> list[tuple[str, str]]:
    """Give the outputs that are meant; raises CommandError for one that cannot be shared."""
    offered = {f"{path}.{port}": (path, port) for path, port in shareable_ports(outline)}
    for name in names:
        if name not in offered or not scope.has(offered[name][0]):
            raise CommandError(
                f"{name} is no output that this link can show; these are: "
                f"{', '.join(each for each, pair in offered.items() if scope.has(pair[0]))}.",
                returncode=USAGE,
            )
    return [offered[name] for name in names]


def _life(text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise CommandError(
            f"{text!r} is no time: write 12h or 7d, up to {LONGEST_LIFE.days}d.", returncode=USAGE
        )
    return int(found[1]) * _UNITS[found[2]]
