"""The judgement at the end of a seed, and how its trace is written."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from runner.graph.values import decode
from runner.run.status import RunStatus
from tests.simulation.model import Value
from tests.simulation.witness import KEPT_RESULTS, RUN_ENDS, RunRecord
from tests.simulation.world import Process

if TYPE_CHECKING:
    from tests.simulation.simulate import Simulation


MAY_LEAVE_OUT = {"flow.branch", "flow.merge", "flow.fallback", "flow.first_of", "sim.tell"}


def record_of(run: str) -> RunRecord:
    """Give an empty record."""
    return RunRecord(run)


def judge(simulation: "Simulation") -> None:
    """Judge the world at its end, unless something was found wrong before."""
    if simulation.witness.broken:
        return
    for record in simulation.witness.records.values():
        if not simulation.store.runs[record.run].status.is_over:
            continue  # said already: it stands still, or was set aside
        _judge_end(simulation, record)
        _judge_tasks(simulation, record)
        _judge_budgets(simulation, record)
        _judge_chunks(simulation, record)
        _judge_executor(simulation, record)


def _judge_end(simulation: "Simulation", record: RunRecord) -> None:
    status = simulation.store.runs[record.run].status
    blame = simulation.witness.blame
    if record.status not in RUN_ENDS:
        blame("P4", record.run, f"it never ends: {status}, last {record.kinds()[-3:]}")
        return
    if status is RunStatus.COMPLETED:
        outputs = {port: decode(text) for port, text in record.log[-1].outputs.items()}
        found = {port: value for port, value in outputs.items() if value is not None}
        if found != simulation.expected.outputs:
            blame("golden", record.run, f"{found} instead of {simulation.expected.outputs}")
        if simulation.expected.lost:
            blame("golden", record.run, f"completed without {simulation.expected.lost}")
    elif status is RunStatus.FAILED and not simulation.expected.lost:
        blame("golden", record.run, f"failed: {record.log[-1].error.message}")
    elif status is RunStatus.CANCELLED and "RunCancelling" not in record.kinds():
        blame("golden", record.run, "cancelled, but nobody asked for it")


def _judge_tasks(simulation: "Simulation", record: RunRecord) -> None:
    blame = simulation.witness.blame
    left = set(record.open)
    executor = simulation.executors[record.run]
    if left and not left & record.executions.keys() - executor.state.groups.keys():
        blame("5.3", record.run, f"the run ended and these compounds did not: {sorted(left)}")
    elif left:
        blame("5.3", record.run, f"the run ended and these did not: {sorted(left)}")
    if record.status == "RunCompleted" and not has_controls(simulation.definition):
        undone = {path: kind for path, kind in record.over.items() if kind not in KEPT_RESULTS}
        if undone:
            blame("5.3", record.run, f"the run completed and these did not: {undone}")
    if record.status == "RunFailed":
        wrong = {
            path: kind for path, kind in record.over.items()
            if kind in KEPT_RESULTS and path in simulation.expected.lost
        }  # fmt: skip
        if wrong:
            blame("golden", record.run, f"completed what cannot: {wrong}")


def _judge_budgets(simulation: "Simulation", record: RunRecord) -> None:
    """No policy forgives more than it may, whatever dies; a person's resume begins anew."""
    state = simulation.executors[record.run].state
    forgiven: Counter[str] = Counter()
    for event in record.log:
        if event.kind in RUN_ENDS:
            # Only a person lets it go on; who was told so first may have died before it said so.
            forgiven.clear()
        elif event.kind == "TaskRetrying" and not event.actor:
            forgiven[event.by or event.path] += 1
    for path, times in forgiven.items():
        task = state.tasks.get(path)
        policy = state.groups[path].policy if task is None else task.planned.policy
        if times >= policy.retry.attempts:
            sentence = f"{path} was forgiven {times} of {policy.retry.attempts} attempts"
            simulation.witness.blame("5.5", record.run, sentence)


def _judge_chunks(simulation: "Simulation", record: RunRecord) -> None:
    chunks: dict[tuple[str, str, int], list[str]] = {}
    for batch in simulation.store.runs[record.run].chunks:
        kept = chunks.setdefault((batch.path, batch.port, batch.attempt), [])
        if batch.first != len(kept):
            where = f"{batch.path}.{batch.port} attempt {batch.attempt}"
            simulation.witness.blame("P9", record.run, f"{where}: {batch.first} after {len(kept)}")
        kept.extend(batch.items)
    for path, attempt in record.results.items():
        for port, value in simulation.expected.tasks.get(path, {}).items():
            found = [decode(each) for each in chunks.get((path, port, attempt), [])]
            _judge_stream(simulation, record, f"{path}.{port}", found, value)


def _judge_stream(
    simulation: "Simulation", record: RunRecord, where: str, found: list[Any], value: Value
) -> None:
    if found != value.chunks:
        sentence = f"the kept chunks of {where} are {found} instead of {value.chunks}"
        simulation.witness.blame("P9", record.run, sentence)


def _judge_executor(simulation: "Simulation", record: RunRecord) -> None:
    executor = simulation.executors[record.run]
    try:
        executor.state.check()
    except AssertionError as fault:
        state = executor.state.tasks.get(str(fault))
        kind = state.planned.task.name if state is not None else "the run"
        simulation.witness.blame("5.3", record.run, f"RunState.check: {fault} ({kind})")


def judge_exit(simulation: "Simulation", process: Process) -> None:
    """Judge a process that left in order and in time: nothing of a run is under way any more."""
    weather = simulation.scenario.weather
    if process.name in simulation.halted or weather.is_bad:
        return
    blame = simulation.witness.blame
    driven = list(simulation.runners[process.name].executors)
    for run in driven:
        blame("exit", run, f"{process.name} left while driving it")
    if driven:
        return
    patient = {"leave", *stubborn_in(simulation.definition)}
    for task in asyncio.all_tasks(process.loop):
        name = task.get_name()
        if task.cancelling():
            continue
        if name.rpartition("/")[2] not in patient:
            blame("exit", process.name, f"{process.name} left with {name} waiting")


def has_controls(graph: dict[str, Any]) -> bool:
    """Whether a run may complete although some of its tasks did not."""
    kinds = {task["type"] for task in graph["tasks"]}
    inner = [task["graph"] for task in graph["tasks"] if "graph" in task]
    return bool(kinds & MAY_LEAVE_OUT) or any(map(has_controls, inner))


def stubborn_in(graph: dict[str, Any]) -> Iterator[str]:
    """Name the tasks (by id) whose bodies go on after a cancel."""
    for task in graph["tasks"]:
        if task.get("config", {}).get("stubborn"):
            yield task["id"]
        if "graph" in task:
            yield from stubborn_in(task["graph"])


def judge_standstill(simulation: "Simulation", still: str) -> None:
    """Say why nothing moves: an owner that forgot its run, or else all that waits."""
    forgotten = False
    for run in simulation.store.runs.values():
        runner = simulation.runners.get(run.owner)
        if runner is None or run.owner in simulation.store.dead or run.id in runner.executors:
            continue
        forgotten = True
        sentence = f"its owner {run.owner} lives and does not drive it"
        simulation.witness.blame("P4", run.id, sentence)
    if not forgotten:
        simulation.witness.blame("P4", "all", f"stand still: {still}; {dump(simulation)}")


def dump(simulation: "Simulation") -> str:
    """Say what waits, for a world that stands still."""
    said = [
        f"{run.id} {run.status} owner={run.owner} epoch={run.epoch} seq={run.seq}"
        for run in simulation.store.runs.values()
    ]
    for process in simulation.world.processes:
        names = sorted(each.get_name() for each in asyncio.all_tasks(process.loop))
        said.append(f"{process.name} stopped={process.stopped} tasks={names}")
        for name, executor in simulation.runners[process.name].executors.items():
            open_tasks = {
                path: (str(each.status), each.waiting, each.provisional)
                for path, each in executor.state.tasks.items()
                if path not in simulation.witness.records[name].over
            }
            said.append(f"{name}: {open_tasks}")
    return "; ".join(said)


def lines(trace: Iterable[tuple[float, str, Any]]) -> Iterator[str]:
    """Write a trace: virtual time, who, what."""
    for now, who, what in trace:
        said = "{} {:4} {}".format(*what) if isinstance(what, tuple) else what
        yield f"{now:10.4f} {who:7} {said}"
