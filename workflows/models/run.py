"""A run, how it begins, and what a person asks of it; only its owner writes what happened."""

import json
import uuid
from collections.abc import Collection, Mapping
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, models, transaction
from django.db.models import Q

from runner.errors import RunnerError
from runner.graph.values import encode
from runner.run.status import RunStatus, TaskStatus
from workflows.large_values import each_value, inputs_aside
from workflows.models.artifact import StoredContent, mentions_in
from workflows.models.asking import (
    FIRST_COUNTS,
    KINDS,
    NOT_BY_STARTER,
    early_sentence,
    refusal_of,
    task_refusal_of,
)
from workflows.models.rerunning import RerunWish, planned_rerun
from workflows.models.team import Person, Right, Team
from workflows.models.workflow import Workflow, WorkflowVersion, versions_of

RUN_STATUSES = [(each.value, each.value) for each in RunStatus]
REQUEST_KINDS = [(each, each) for each in KINDS]
#: Where a run needs an owner.
DRIVEN = ["queued", "running", "interrupted", "cancelling", "awaiting", "paused"]
REASON = 200


class Pruned(models.TextChoices):
    """What was removed of a run because it is old."""

    NOTHING = ""
    STREAMS = "streams"
    OUTPUTS = "outputs"


PRUNED_SENTENCES: Mapping[str, str] = {
    Pruned.STREAMS: "What this run streamed and logged was removed, because it is old.",
    Pruned.OUTPUTS: "What this run gave was removed, because it is old; its structure is kept.",
}


class RunQuerySet(models.QuerySet["Run"]):
    """Runs: who may see them, and how one begins."""

    def visible_to(self, person: Person, right: Right = Right.VIEW) -> Self:
        """The runs for which a person has a right."""
        return self.filter(team__in=Team.objects.visible_to(person, right))

    def shareable_by(self, person: Person) -> Self:
        """The runs that a person may share: all of a team they edit for, and those they started."""
        theirs = self.visible_to(person, Right.RUN).filter(started_by=person.pk)
        return self.filter(
            Q(team__in=Team.objects.visible_to(person, Right.EDIT)) | Q(pk__in=theirs)
        )

    def start(
        self,
        version: WorkflowVersion,
        user: AbstractBaseUser,
        inputs: Mapping[str, Any],
        key: str = "",
        *,
        label: str = "",
        parent: "Run | None" = None,
        kept: Collection[str] = (),
        options: Mapping[str, Any] | None = None,
        workflows: Mapping[str, str] | None = None,
    ) -> "Run":
        """Queue a run; the same key by the same person gives the run it gave before.

        `kept` are the paths of the tasks whose results a rerun takes over from its `parent`;
        `options` are what a trial run says of its plan (only, until, pins); `workflows` are the
        definitions, as JSON texts, of the workflows it is made of, by name: the latest, if not
        said.
        """
        known = self.filter(started_by_id=user.pk, idempotency_key=key).first() if key else None
        if known:
            return known
        if workflows is None:
            workflows = Workflow.objects.pinned(version, user)
        team, given = version.workflow.team_id, encode(dict(inputs))
        encoded = inputs_aside(str(team), given)
        trial = encode(dict(options or {}))
        mentions = mentions_in([given, trial, *each_value(encoded)])
        try:
            with transaction.atomic():
                run = self.create(
                    team_id=team,
                    version=version,
                    started_by_id=user.pk,
                    inputs=encoded,
                    idempotency_key=key,
                    label=label,
                    parent=parent,
                    kept=json.dumps(sorted(kept)),
                    options=trial,
                    trial=bool(options),
                    workflows=json.dumps(dict(workflows)),
                    types=json.dumps(versions_of([version.definition, *workflows.values()])),
                )
                StoredContent.objects.mention(run, mentions)
                return run
        except IntegrityError:
            # The other half of a double click was quicker.
            return self.get(started_by_id=user.pk, idempotency_key=key)

    def rerun(self, run: "Run", user: AbstractBaseUser, wish: RerunWish, key: str = "") -> "Run":
        """Do again what a person wishes of a run: let it go on, or start one that keeps its results.

        Raises PlanError when there is no plan for it, and RunnerError when it cannot go on now.
        """
        planned = planned_rerun(run, user, wish)
        if planned.preview.new_run:
            return self.start(
                planned.version,
                user,
                planned.inputs,
                key,
                parent=run,
                kept=planned.preview.kept,
                options=planned.options,
                workflows=planned.workflows,
            )
        if not run.request("resume", user, key=key):
            raise RunnerError(run.refusal_of("resume"))
        return run


class Run(models.Model):
    """One execution of a version, under the authority of the person who started it.

    `inputs` and `outputs` are encoded objects of values by port. `seq` numbers the last event;
    `owner` is the process that drives the run under `epoch`, and may write as long as both are
    its own. `parent` is the run that a rerun came from, and `kept` the JSON list of the paths that it takes over
    from there; `options` is an encoded object, which makes it a `trial`, `workflows` a JSON object of definitions by name,
    `types` one of the signatures that the task types had, by name.
    `reason` says what an awaiting run waits for; `handled` counts the errors it dealt with.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="runs")
    version = models.ForeignKey(WorkflowVersion, on_delete=models.PROTECT, related_name="runs")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="runs"
    )
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="reruns")
    kept = models.TextField(default="[]")
    options = models.TextField(default="{}")
    trial = models.BooleanField(default=False)
    workflows = models.TextField(default="{}")
    types = models.TextField(default="{}")
    label = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(max_length=16, choices=RUN_STATUSES, default=RunStatus.QUEUED)
    reason = models.CharField(max_length=REASON, blank=True, default="")
    inputs = models.TextField(default="{}")
    outputs = models.TextField(default="{}")
    error = models.TextField(blank=True, default="")
    idempotency_key = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    handled = models.PositiveIntegerField(default=0)
    fraction = models.FloatField(default=0.0)
    seq = models.PositiveBigIntegerField(default=0)
    epoch = models.PositiveIntegerField(default=0)
    owner = models.CharField(max_length=64, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    pruned = models.CharField(max_length=8, choices=Pruned, blank=True, default=Pruned.NOTHING)

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["started_by", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="one_run_a_key",
            ),
            models.CheckConstraint(condition=Q(status__in=list(RunStatus)), name="run_status"),
        ]
        indexes = [
            models.Index(fields=["team", "-created_at"], name="runs_of_a_team"),
            models.Index(fields=["-created_at"], name="runs_by_time"),
            models.Index(fields=["ended_at"], name="runs_by_end"),
            models.Index(
                fields=["created_at"],
                condition=Q(status__in=DRIVEN),
                name="runs_to_drive",
            ),
        ]

    def __str__(self) -> str:
        return self.label or f"run {str(self.id)[:8]}"

    @property
    def is_over(self) -> bool:
        """Whether nothing moves any more unless a person asks for it."""
        return RunStatus(self.status).is_over

    @property
    def kept_paths(self) -> frozenset[str]:
        """The paths of the tasks whose results it took over from its parent."""
        return frozenset(json.loads(self.kept))

    @property
    def can_cancel(self) -> bool:
        """Whether cancelling would change anything."""
        return not refusal_of("cancel", self.status, {})

    @property
    def can_resume(self) -> bool:
        """Whether the run ended, or stopped, where a person may let it go on."""
        return not self.pruned and not refusal_of("resume", self.status, {})

    @property
    def can_pause(self) -> bool:
        """Whether pausing would change anything."""
        return not refusal_of("pause", self.status, {})

    @property
    def can_continue(self) -> bool:
        """Whether the run is paused by a person; the storage lets it go on by itself."""
        return not refusal_of("continue", self.status, {}) and self.reason != "storage"

    def refusal_of(
        self,
        kind: str,
        payload: Mapping[str, Any] | None = None,
        actor: AbstractBaseUser | None = None,
    ) -> str:
        """Say why a request (of `actor`) would change nothing now; empty when it would."""
        self.refresh_from_db(fields=["status", "reason", "pruned"])
        asked = payload or {}
        if kind == "resume" and self.pruned:
            return f"{PRUNED_SENTENCES[self.pruned]} It can be run again from the start."
        if kind == "decide" and "path" not in asked and self.reason != "version":
            return "This run does not wait for a decision about versions."
        refused = refusal_of(kind, self.status, asked)
        if "path" not in asked or kind not in FIRST_COUNTS:
            return refused
        return self._task_refusal(kind, asked, actor, refused)

    def _task_refusal(
        self, kind: str, asked: Mapping[str, Any], actor: AbstractBaseUser | None, refused: str
    ) -> str:
        """Say why a request about a task changes nothing: above all, who was quicker."""
        waiting = self.task_runs.filter(path=asked["path"], status=TaskStatus.AWAITING)
        reason, detail = waiting.values_list("reason", "detail").first() or (None, "")
        refused = refused or task_refusal_of(kind, str(asked["path"]), reason)
        if early := self.earlier(kind, asked, still_open=not refused):
            return early_sentence(kind, early.actor.get_username(), json.loads(early.payload))
        is_starter = actor is not None and actor.pk == self.started_by_id
        if not refused and is_starter and detail.startswith(NOT_BY_STARTER):
            return "Somebody else than who started the run has to answer this."
        return refused

    def earlier(
        self, kind: str, asked: Mapping[str, Any], *, still_open: bool
    ) -> "RunRequest | None":
        """Find the request about the same task that came before another one, or None.

        With `still_open` only one that its owner has not heard yet, and that says something else.
        """
        about = self.requests.filter(kind=kind, payload__contains=json.dumps(asked["path"]))
        if still_open:
            about = about.filter(handled_at=None).exclude(payload=_text(asked))
        same = (each for each in about.select_related("actor").order_by("-pk")
                if json.loads(each.payload).get("path") == asked["path"])  # fmt: skip
        return next(same, None)

    def request(
        self,
        kind: str,
        actor: AbstractBaseUser,
        payload: Mapping[str, Any] | None = None,
        key: str = "",
    ) -> bool:
        """Ask something of the run's owner (a kind of `asking.KINDS`); False when refused.

        A second request with the same key, or while an equal one is open, is the first one.
        """
        with transaction.atomic():
            if kind in FIRST_COUNTS and payload and "path" in payload:
                # Who answers at the same moment comes after, and sees that.
                list(self.task_runs.select_for_update().filter(path=payload["path"]))
            if self.refusal_of(kind, payload, actor):
                return False
            text = _text(payload or {})
            if self.requests.filter(kind=kind, payload=text, handled_at=None).exists():
                return True
            RunRequest.objects.get_or_create(
                key=key or uuid.uuid4().hex,
                defaults={"run": self, "actor_id": actor.pk, "kind": kind, "payload": text},
            )
            return True


def _text(payload: Mapping[str, Any]) -> str:
    return json.dumps(payload, sort_keys=True)


class RunRequest(models.Model):
    """What a person asked of a run; its owner turns it into events. `payload` is JSON."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="requests")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="run_requests"
    )
    kind = models.CharField(max_length=16, choices=REQUEST_KINDS)
    payload = models.TextField(default="{}")
    key = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    handled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["run", "id"], condition=Q(handled_at=None), name="requests_to_handle"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.run_id}"
