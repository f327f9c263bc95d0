"""Requests of other machines that start runs: who signed one, what it brings, what it is told."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from runner.errors import InputsError, RunnerError, ValueFault
from runner.graph.values import decode
from runner.outside.signing import is_signed
from workflows.large_values import whole
from workflows.models import Run, Tries
from workflows.models.trigger import Webhook
from workflows.outline import outline_for
from workflows.results import secret_outputs
from workflows.sealing import Unsealable
from workflows.triggers import TriggerOff, start_for

#: Told to whoever is not let in, whatever the cause.
UNKNOWN = "There is no such webhook, or the request is not signed as it should be."
TOO_MANY = "Too many requests; try again in a minute."
_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
_LONGEST_ID = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a request is told: a status of HTTP, and an object of JSON."""

    status: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that a request has started; `port` is the output to wait for, if any."""

    run: UUID
    port: str = ""


def begin(
    id: UUID, headers: Mapping[str, str], body: bytes, address: str, now: float | None = None
) -> Begun | Told:
    """Start the run that a request asks for, or say why not; the same message starts one run only."""
    if not Tries.objects.allow(f"hook {address}", *settings.HOOK_TRIES):
        return _refused(429, TOO_MANY)
    webhook = Webhook.objects.started().filter(pk=id).first()
    said = {name: headers.get(name, "") for name in _HEADERS}
    if not is_signed(_secret_of(webhook), said, body, time.time() if now is None else now):
        return _refused(401, UNKNOWN)
    assert webhook is not None  # noqa: S101 - nothing is signed with a secret that was just drawn
    if len(said["webhook-id"]) > _LONGEST_ID:
        return _refused(400, f"The header webhook-id has more than {_LONGEST_ID} letters.")
    try:
        run = start_for(webhook, _inputs(webhook, body), said["webhook-id"])
    except InputsError as fault:
        return Told(status=422, body={"error": fault.sentence, "inputs": fault.faults})
    except TriggerOff as fault:
        return _refused(409, fault.sentence)
    except RunnerError as fault:
        return _refused(422, fault.sentence)
    return Begun(run=run.pk, port=webhook.answer_port)


def _secret_of(webhook: Webhook | None) -> str:
    """Give a webhook's secret; one that nobody has where there is none, so that no answer is quicker."""
    try:
        return webhook.reveal() if webhook else secrets.token_urlsafe()
    except Unsealable:
        return secrets.token_urlsafe()


def _inputs(webhook: Webhook, body: bytes) -> dict[str, Any]:
    """Give the inputs: what was typed for the webhook, and what the body says besides."""
    typed = dict(decode(webhook.inputs))
    sent = _read(body)
    if webhook.body_port:
        return {webhook.body_port: sent} | typed
    if not isinstance(sent, dict):
        raise ValueFault("The body has to be a JSON object of values by input.")
    return sent | typed


def _read(body: bytes) -> Any:
    """Read JSON, or take the text as it is; raises ValueFault for what is neither."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ValueFault("The body is neither JSON nor text in UTF-8.") from None
    if not text.strip():
        return {}
    try:
        return decode(text)
    except ValueError as fault:
        if text.lstrip()[:1] in "{[":
            raise ValueFault(f"The body is no JSON that can be used: {fault}"[:300]) from None
        return text


def outcome_of(begun: Begun) -> Told | None:
    """Say how a run has ended, with the output that was waited for; None while it goes on."""
    run = Run.objects.select_related("version").get(pk=begun.run)
    if not run.is_over:
        return None
    told: dict[str, Any] = {"run": str(run.pk), "status": run.status}
    outputs = json.loads(run.outputs or "{}")
    is_public = begun.port not in secret_outputs(outline_for(run))
    if run.status == "completed" and begun.port in outputs and is_public:
        text = json.dumps(outputs[begun.port])
        try:
            told["output"] = json.loads(whole(str(run.team_id), text))
        except RunnerError as fault:
            told["error"] = fault.sentence
    return Told(status=200, body=told)


def _refused(status: int, sentence: str) -> Told:
    return Told(status=status, body={"error": sentence})
