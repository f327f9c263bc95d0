"""Starting runs for triggers: under one person's authority, of a version that they confirmed."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django.db import transaction

from runner.errors import InputsError, RunnerError
from runner.graph.definition import GraphDefinition
from runner.graph.planning import check_inputs
from workflows import background
from workflows.grants import refusal_of
from workflows.models import Right, Run, Workflow, WorkflowVersion
from workflows.models.trigger import Trigger


class TriggerOff(RunnerError):
    """A trigger may start nothing as things are; somebody has to do something first."""


def start_for(trigger: Trigger, inputs: Mapping[str, Any], key: str) -> Run:
    """Start a run; the same key gives the run that it gave before.

    Raises TriggerOff when the trigger may start nothing, InputsError for inputs that do not fit.
    Both are kept with it, for its page.
    """
    try:
        version = confirmed_version(trigger)
        run = _started(trigger, version, inputs, key)
    except RunnerError as fault:
        trigger.say(fault.sentence)
        raise
    trigger.say(run=run)
    transaction.on_commit(background.wake)
    return run


def confirmed_version(trigger: Trigger) -> WorkflowVersion:
    """Give the version to run, which is the latest; raises TriggerOff if it needs a person first.

    What its person published themselves they have confirmed.
    """
    workflow, person = trigger.workflow, trigger.person
    if not Workflow.objects.visible_to(person, Right.RUN).filter(pk=workflow.pk).exists():
        raise TriggerOff(f"{person} may not run this workflow any more.")
    latest = workflow.latest
    if latest is None:
        raise TriggerOff("The workflow has no version.")
    if latest.pk != trigger.version_id:
        if latest.created_by_id != person.pk:
            raise TriggerOff(f"Version {latest.number} waits until {person} confirms it.")
        trigger.version = latest
    if refusal := refusal_of(latest, person):
        raise TriggerOff(refusal)
    return latest


def _started(
    trigger: Trigger, version: WorkflowVersion, inputs: Mapping[str, Any], key: str
) -> Run:
    definition = GraphDefinition.from_json(version.definition)
    if faults := check_inputs(definition, inputs):
        raise InputsError(faults)
    return Run.objects.start(
        version, trigger.person, inputs, _key_of(trigger, key), label=trigger.title
    )


def _key_of(trigger: Trigger, key: str) -> str:
    """Give the run's key as a digest: written out it is longer than a run keeps."""
    said = f"{type(trigger).__name__} {trigger.pk} {key}"
    return sha256(said.encode()).hexdigest()
