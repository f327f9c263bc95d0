"""Carrying out a job: a worker's part, from JSON to an outcome as data."""

import asyncio
from collections.abc import Mapping
from typing import Any

from runner.errors import (
    MissingCredential,
    RunnerError,
    SizeLimit,
    TaskTimeout,
    UnknownTaskType,
)
from runner.execution.body import error_of
from runner.execution.context import TaskContext
from runner.execution.host import Host
from runner.execution.job_desk import JobDesk
from runner.execution.jobs import Job, JobLine, Message
from runner.execution.process_messages import said_of
from runner.execution.stream import kept_stream
from runner.graph.artifact import CONTENTS
from runner.graph.ports import Port
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task
from runner.graph.values import bytes_of, decode


def knows(registry: TaskRegistry, kind: str, version: str) -> bool:
    """Whether a worker with these types can carry out jobs of a type and version."""
    try:
        found = registry.get(kind)
    except UnknownTaskType:
        return False
    return version == found.version or version in found.compatible_with


async def carry_out(job: Job, registry: TaskRegistry, host: Host, line: JobLine) -> Message:
    """Run the body of a job to its end; give its outputs, or its failure, as data.

    A cancel stops the body and is raised. All that the body said is kept by then.
    """
    desk: JobDesk | None = None
    try:
        task = registry.get(job.type)(decode(job.spec["config"]))
        desk = JobDesk(job, task, host, line)
        outcome: Message = {"outputs": await _outputs(job, task, desk, host)}
    except Exception as fault:
        outcome = {"failed": _failure(job, fault, desk)}
    await line.kept()
    return outcome


async def _outputs(job: Job, task: Task, desk: JobDesk, host: Host) -> dict[str, str]:
    context = TaskContext(desk, job.run, job.path, job.attempt)
    CONTENTS.set(desk.artifacts())
    try:
        returned = await _in_time(job, task, context, host)
        collected = task.collect(returned)
        desk.let_all_out()
        texts = {name: task.outputs[name].encode(value) for name, value in collected.items()}
        return {name: _checked(name, task, desk, text, host) for name, text in texts.items()}
    finally:
        context.end()


async def _in_time(job: Job, task: Task, context: TaskContext, host: Host) -> Any:
    """Run the body; raises TaskTimeout after its own time, and at the job's deadline."""
    limits = [each for each in (job.spec["timeout"], job.seconds_left) if each is not None]
    try:
        async with asyncio.timeout(min(limits, default=None)) as limit:
            return await host.places.run(task, _inputs(job, task), context)
    except TimeoutError:
        if not limit.expired():
            raise
    if min(limits) == job.seconds_left:
        raise TaskTimeout(f"{task.title} did not end before the deadline of its job.")
    raise TaskTimeout(f"It ran longer than its timeout of {min(limits):g} s.")


def _inputs(job: Job, task: Task) -> dict[str, Any]:
    given: Mapping[str, str] = job.spec["inputs"]
    inputs = {name: _input(task, name).decode(text) for name, text in given.items()}
    for name, streams in job.spec["streams"].items():
        port = _input(task, name)
        readers = [
            kept_stream(job.path, port, 1, list(chunks)).reader(port, elastic=True)
            for chunks in streams
        ]
        inputs[name] = readers if port.several_streams else readers[0]
    return inputs


def _input(task: Task, name: str) -> Port:
    """Find an input port; raises RunnerError if the worker's type does not have it."""
    if name not in task.inputs:
        raise RunnerError(f"{task.title} has no input '{name}' here; update this job queue runner.")
    return task.inputs[name]


def _checked(name: str, task: Task, desk: JobDesk, text: str, host: Host) -> str:
    """Mask an output and see that it is not too large; raises SizeLimit and ValueFault."""
    masked = desk.masker.mask_json(text)
    if masked != text:
        task.outputs[name].decode(masked)
    most = host.stream_bytes if task.outputs[name].streams else host.output_bytes
    if bytes_of(masked) > most:
        raise SizeLimit(
            f"Port {name} of {task.title} gave more than {most / (1 << 20):g} MiB; "
            "give less, or write a file."
        )
    return masked


def _failure(job: Job, fault: Exception, desk: JobDesk | None) -> Message:
    """Give a fault as data, masked; a missing credential by the name that its owner waits for."""
    mask = desk.masker.mask if desk is not None else str
    error = error_of(fault, job.path, job.attempt, mask)
    said = said_of(fault, error.message, error.trace)
    said["attributes"] = {
        name: mask(each) if isinstance(each, str) else each
        for name, each in said["attributes"].items()
    }
    if isinstance(fault, MissingCredential):
        said["type"] = MissingCredential.__name__
    return said


def failure_of(fault: RunnerError) -> Message:
    """Give the outcome of a job that ended by a fault of no body."""
    return {"failed": said_of(fault, fault.sentence)}
