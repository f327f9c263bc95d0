"""Search: workflows, runs, people and acts that fit some words, for one person.

A sign in front asks for one kind only: `@` people, `#` runs, `>` acts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.urls import reverse

from workflows.models import Right, Run, Team, Workflow
from workflows.models.team import Person
from workflows.rows import look_of

#: Longer words fit nothing.
MOST_LETTERS = 200
#: So many of a kind are shown.
SHOWN = 8
#: The beginning of a run's id says something from so many digits on.
FEWEST_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One thing that was found, and where it is."""

    title: str
    about: str
    address: str
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What was found of one kind."""

    title: str
    hits: tuple[Hit, ...]


def found(person: Person, words: str) -> list[Kind]:
    """Give what fits the words, by kind; kinds of which nothing fits are left out."""
    sign, rest = (words[:1], words[1:]) if words[:1] in SIGNS else ("", words)
    rest = " ".join(rest.split())[:MOST_LETTERS]
    wanted = KINDS if not sign else {SIGNS[sign]: KINDS[SIGNS[sign]]}
    kinds = [Kind(title=name, hits=tuple(find(person, rest))) for name, find in wanted.items()]
    return [each for each in kinds if each.hits]


def _workflows(person: Person, words: str) -> list[Hit]:
    fits = Q(title__icontains=words) | Q(name__icontains=words) | Q(help__icontains=words)
    visible = Workflow.objects.visible_to(person).filter(fits).select_related("team")
    return [
        Hit(title=each.title, about=each.team.name, address=_to("workflow-show", each.pk))
        for each in visible.order_by("title")[:SHOWN]
    ]


def _runs(person: Person, words: str) -> list[Hit]:
    runs = _runs_like(Run.objects.visible_to(person), words)
    runs = runs.select_related("version__workflow", "started_by").order_by("-created_at")
    runs = runs.only(
        "status", "label", "created_at", "version__number", "version__workflow__title",
        "started_by__username",
    )  # fmt: skip
    return [_run(each) for each in runs[:SHOWN]]


def _runs_like(runs: QuerySet[Run], words: str) -> QuerySet[Run]:
    """Take those whose label or workflow has the words, or whose id begins with them."""
    fits = Q(label__icontains=words) | Q(version__workflow__title__icontains=words)
    digits = words.replace("-", "")
    if FEWEST_DIGITS <= len(digits) <= 32 and set(digits.lower()) <= set("0123456789abcdef"):
        fits |= Q(id__range=(UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))))
    return runs.filter(fits)


def _run(run: Run) -> Hit:
    began = f"{run.created_at:%Y-%m-%d %H:%M}"
    about = f"{look_of(run.status).word} · {run} · {run.started_by.get_username()} · {began}"
    title = run.version.workflow.title
    return Hit(title=title, about=about, address=_to("run-show", run.pk), status=run.status)


def _people(person: Person, words: str) -> list[Hit]:
    """Find people of the person's own teams; their runs are what there is to see of them."""
    teams = Team.objects.visible_to(person)
    fits = Q(username__icontains=words) | Q(first_name__icontains=words) | Q(last_name__icontains=words)  # fmt: skip
    known = User.objects.filter(fits, memberships__team__in=teams).distinct()
    return [
        Hit(
            title=each.get_username(),
            about=f"{each.get_full_name()} · runs".removeprefix(" · "),
            address=f"{reverse('run-list')}?{urlencode({'by': each.pk})}",
        )
        for each in known.order_by("username")[:SHOWN]
    ]


def _acts(person: Person, words: str) -> list[Hit]:
    """Give pages to go to, and workflows to run, whose sentence has the words."""
    lower = words.lower()
    goals = [
        Hit(title=title, about="go", address=reverse(name))
        for title, name in GOALS.items()
        if lower in title.lower() and (name != MAKING or _may_make(person))
    ]
    rest = lower.removeprefix("run").strip() if lower.startswith("run") else lower
    runnable = Workflow.objects.visible_to(person, Right.RUN).filter(title__icontains=rest)
    runs = [
        Hit(title=f"Run {each.title}…", about="start", address=_to("run-start", each.pk))
        for each in runnable.order_by("title")[:SHOWN]
    ]
    return (goals + runs)[:SHOWN]


def _may_make(person: Person) -> bool:
    return Team.objects.visible_to(person, Right.EDIT).exists()


def _to(name: str, key: UUID) -> str:
    return reverse(name, args=[key])


MAKING = "workflow-new"
GOALS: Mapping[str, str] = {
    "Home": "home",
    "All workflows": "workflow-list",
    "New workflow": MAKING,
    "All runs": "run-list",
    "Waiting for you": "waiting-list",
    "Appearance: choose colours": "appearance",
}
KINDS: Mapping[str, Callable[[Person, str], list[Hit]]] = {
    "Workflows": _workflows,
    "Runs": _runs,
    "People": _people,
    "Acts": _acts,
}
SIGNS: Mapping[str, str] = {"@": "People", "#": "Runs", ">": "Acts"}
