"""What a definition must give, computed without engine: plain functions in drawn order."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.graph.dataflow import ERROR_PORT
from tests.simulation.lasting import ANSWER
from tests.simulation.tasks import doubled, emitted, mixed


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What an output has: `chunks` as a stream input reads them, `whole` as a plain one does."""

    chunks: list[int]
    whole: Any


@dataclass(slots=True)
class Expected:
    """What a run must come to: its outputs, and the streams and results of every task."""

    outputs: dict[str, Any] = field(default_factory=dict)
    tasks: dict[str, dict[str, Value]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)


def number(value: int) -> Value:
    """Give a plain number."""
    return Value(chunks=[value], whole=value)


def numbers(values: list[int]) -> Value:
    """Give a list, or a stream that appends."""
    return Value(chunks=values, whole=values)


def expected(definition: Mapping[str, Any]) -> Expected:
    """Compute a definition (as JSON) without run inputs; what fails for ever loses what follows."""
    found = Expected()
    known = _walk(definition, {}, "", found)
    found.outputs = {name: value.whole for name, value in known.items()}
    return found


class _NotTaken:
    """What a branch that is not taken gives, and all that need it."""


NOT_TAKEN = _NotTaken()
Known = dict[str, Value | _NotTaken]


def _walk(
    graph: Mapping[str, Any], inputs: Mapping[str, Value], prefix: str, found: Expected
) -> dict[str, Value]:
    """Compute a graph; an output that is not there is lost or not taken."""
    known: Known = {f"$inputs.{name}": value for name, value in inputs.items()}
    for task in graph["tasks"]:
        _compute(graph, task, known, prefix, found)
    outputs = graph.get("outputs", [])
    given = {each["name"]: known.get(each["from"]) for each in outputs}
    return {name: value for name, value in given.items() if isinstance(value, Value)}


def _compute(
    graph: Mapping[str, Any], task: Mapping[str, Any], known: Known, prefix: str, found: Expected
) -> None:
    given, name, path = _given(graph, task, known), task["id"], prefix + task["id"]
    if given is None:
        found.lost.add(path)
    elif isinstance(given, _NotTaken):
        known.update((f"{name}.{port}", NOT_TAKEN) for port in (*ports_of(task), ERROR_PORT))
    elif fails_for_ever(task):
        if is_handled(graph, name):
            known.update((f"{name}.{port}", NOT_TAKEN) for port in ports_of(task))
            known[f"{name}.{ERROR_PORT}"] = number(len("PlannedFailure"))
        else:
            found.lost.add(path)
    else:
        lost = len(found.lost)
        values = _COMPUTE[task["type"]](task, given, path, found)
        missing = None if len(found.lost) > lost else NOT_TAKEN
        for port in (*ports_of(task), ERROR_PORT):
            value = values.get(port, missing)
            if value is not None:
                known[f"{name}.{port}"] = value


def fails_for_ever(task: Mapping[str, Any]) -> bool:
    """Whether every attempt of a task fails."""
    return int(task.get("config", {}).get("fails", 0)) >= FOR_EVER


def is_handled(graph: Mapping[str, Any], name: str) -> bool:
    """Whether a dataflow takes the error of a task."""
    return any(each["from"] == f"{name}.{ERROR_PORT}" for each in graph.get("dataflows", []))


def ports_of(task: Mapping[str, Any]) -> list[str]:
    """Name the output ports of a task."""
    kind = task["type"]
    if kind == "flow.branch":
        config = task["config"]
        return [*(each["name"] for each in config["branches"]), config["otherwise"]]
    if kind == "flow.merge":
        return ["value"]
    if kind in ALTERNATIVES:
        return ports_of(task["graph"]["tasks"][0])
    if "graph" in task:
        return [each["name"] for each in task["graph"]["outputs"]]
    return ["numbers"] if kind in STREAMING else ["result"]


STREAMING = {"sim.save", "sim.store", "sim.emit", "sim.send", "sim.batch", "sim.relay", "sim.join"}
ALTERNATIVES = {"flow.fallback", "flow.first_of"}
#: Ports that take several dataflows, and drop what is not taken.
LISTS = {"values"}


#: So many failing attempts are more than anybody waits for.
FOR_EVER = 99


def _given(
    graph: Mapping[str, Any], task: Mapping[str, Any], known: Known
) -> dict[str, list[Value]] | _NotTaken | None:
    """Give the values by input port in drawn order; None if one of them is lost."""
    given: dict[str, list[Value]] = {
        port: [number(value) if isinstance(value, int) else numbers(value)]
        for port, value in task.get("inputs", {}).items()
    }
    skips = False
    for port, source in _flows_into(graph, task["id"]):
        value = known.get(source)
        if isinstance(value, Value):
            given.setdefault(port, []).append(value)
        elif value is NOT_TAKEN:
            skips |= port not in LISTS
        elif not _is_passed_in(task, port):
            return None
    if task["type"] == "flow.merge":
        skips = not given
    return NOT_TAKEN if skips else given


def _is_passed_in(task: Mapping[str, Any], port: str) -> bool:
    """Whether an input only goes to tasks inside: without it, only they are lost."""
    inside = task["type"] == "flow.map" and port not in task["config"]["over"]
    return inside or task["type"] == "flow.graph"


def _flows_into(graph: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    for flow in graph.get("dataflows", []):
        target, _, port = flow["to"].partition(".")
        if target == name:
            yield port, flow["from"]


Given = Mapping[str, list[Value]]


def _number(task: Any, given: Given, _path: str, _found: Expected) -> dict[str, Value]:
    return {"result": number(mixed([given["value"][0].whole], _salt(task)))}


def _sum(task: Any, given: Given, _path: str, _found: Expected) -> dict[str, Value]:
    values = [each.whole for each in given.get("values", [])]
    return {"result": number(mixed(values, _salt(task)))}


def _emit(task: Any, given: Given, path: str, found: Expected) -> dict[str, Value]:
    count = given["count"][0].whole
    return _streamed(path, found, "numbers", numbers(emitted(count, _salt(task))))


def _swing(task: Any, given: Given, path: str, found: Expected) -> dict[str, Value]:
    chunks = emitted(given["count"][0].whole, _salt(task))
    return _streamed(path, found, "result", Value(chunks=chunks, whole=chunks[-1]))


def _relay(task: Any, given: Given, path: str, found: Expected) -> dict[str, Value]:
    source = given["numbers"][0]
    read = _final(source) if task["config"].get("style") == "after" else source.chunks
    made = [doubled(each, _salt(task)) for each in read]
    return _streamed(path, found, "numbers", numbers(made))


def _read(task: Any, given: Given, _path: str, _found: Expected) -> dict[str, Value]:
    source = given["numbers"][0]
    read = _READ[task["config"].get("style", "all")](source.chunks, _final(source))
    return {"result": number(mixed(read, _salt(task)))}


_READ: dict[str, Callable[[list[int], list[int]], list[int]]] = {
    "all": lambda chunks, _final: chunks,
    "first": lambda chunks, _final: chunks[:1],
    "part": lambda chunks, _final: chunks[:3],
    "final": lambda _chunks, final: final,
    "twice": lambda chunks, _final: chunks[:2] + chunks,
    "never": lambda _chunks, _final: [],
    "all-final": lambda chunks, final: chunks + final,
}


def _join(task: Any, given: Given, path: str, found: Expected) -> dict[str, Value]:
    left, right = given["left"][0], given["right"][0]
    style = task["config"].get("style", "one-by-one")
    if style == "one-by-one":
        order = _alternating(left.chunks, right.chunks)
    elif style == "right-final":
        order = left.chunks + _final(right)
    else:
        order = left.chunks + right.chunks
    made = [doubled(each, _salt(task)) for each in order]
    return _streamed(path, found, "numbers", numbers(made))


def _alternating(left: list[int], right: list[int]) -> list[int]:
    both = [each for pair in zip(left, right, strict=False) for each in pair]
    shorter = min(len(left), len(right))
    return both + left[shorter:] + right[shorter:]


def _graph(task: Any, given: Given, path: str, found: Expected) -> dict[str, Value]:
    inputs, lost = {port: values[0] for port, values in given.items()}, len(found.lost)
    outputs = _walk(task["graph"], inputs, f"{path}/", found)
    if len(found.lost) > lost:
        found.lost.add(path)
    return outputs


def _map(task: Any, given: Given, path: str, found: Expected) -> dict[str, Value]:
    over = task["config"]["over"]
    width = len(given[over[0]][0].whole)
    items, lost = [], len(found.lost)
    for index in range(width):
        inputs = {
            port: number(values[0].whole[index]) if port in over else values[0]
            for port, values in given.items()
        }
        items.append(_walk(task["graph"], inputs, f"{path}[{index}]/", found))
    names = [each["name"] for each in task["graph"]["outputs"]]
    if len(found.lost) > lost:
        found.lost.add(path)
        return {}
    made = {name: numbers([item[name].whole for item in items]) for name in names}
    if task["config"].get("stream"):
        found.tasks[path] = made
    return made


def _less(task: Any, given: Given, _path: str, _found: Expected) -> dict[str, Value]:
    return {"result": number(given["value"][0].whole - 1)}


def _tell(task: Any, given: Given, _path: str, _found: Expected) -> dict[str, Value]:
    return {"result": number(mixed([given["error"][0].whole], _salt(task)))}


def _branch(task: Any, given: Given, _path: str, _found: Expected) -> dict[str, Value]:
    (case,) = task["config"]["branches"]
    asked = given[case["if"]["port"]][0].whole
    way = case["name"] if asked < case["if"]["value"] else task["config"]["otherwise"]
    return {way: given["value"][0]}


def _merge(task: Any, given: Given, _path: str, _found: Expected) -> dict[str, Value]:
    return {"value": given["values"][0]}


def _while(task: Any, given: Given, path: str, found: Expected) -> dict[str, Value]:
    state = {port: values[0] for port, values in given.items()}
    turn = 0
    while state["left"].whole > 0:
        state |= _walk(task["graph"], state, f"{path}[{turn}]/", found)
        turn += 1
    return {port: state[port] for port in ports_of(task)}


def _reduce(task: Any, given: Given, path: str, found: Expected) -> dict[str, Value]:
    state = {port: values[0] for port, values in given.items() if port != "item"}
    for index, item in enumerate(given["item"][0].whole):
        inner = _walk(task["graph"], state | {"item": number(item)}, f"{path}[{index}]/", found)
        state |= inner
    return {port: state[port] for port in ports_of(task)}


def _alternatives(task: Any, given: Given, path: str, found: Expected) -> dict[str, Value]:
    inputs = {port: values[0] for port, values in given.items()}
    graph = task["graph"]
    for each in graph["tasks"]:
        if not fails_for_ever(each):
            outputs = [{"name": port, "from": f"{each['id']}.{port}"} for port in ports_of(each)]
            alone = {**graph, "tasks": [each], "outputs": outputs}
            return _walk(alone, inputs, f"{path}/", Expected())
    found.lost.add(path)
    return {}


def _tally(task: Any, given: Given, _path: str, _found: Expected) -> dict[str, Value]:
    return {"result": number(mixed(given["numbers"][0].chunks, _salt(task)))}


def _question(task: Any, given: Given, _path: str, _found: Expected) -> dict[str, Value]:
    values = [each.whole for each in given.get("values", [])]
    return {"result": number(mixed([*values, ANSWER], _salt(task)))}


def _final(source: Value) -> list[int]:
    return source.whole if isinstance(source.whole, list) else [source.whole]


def _streamed(path: str, found: Expected, port: str, value: Value) -> dict[str, Value]:
    found.tasks[path] = {port: value}
    return {port: value}


def _salt(task: Mapping[str, Any]) -> int:
    return int(task.get("config", {}).get("salt", 0))


_COMPUTE: dict[str, Callable[[Any, Given, str, Expected], dict[str, Value]]] = {
    "sim.number": _number,
    "sim.sum": _sum,
    "sim.note": _sum,
    "sim.emit": _emit,
    "sim.send": _emit,
    "sim.batch": _emit,
    "sim.swing": _swing,
    "sim.relay": _relay,
    "sim.read": _read,
    "sim.keep": _read,
    "sim.join": _join,
    "sim.save": _emit,
    "sim.store": _emit,
    "sim.tally": _tally,
    "sim.choose": _sum,
    "sim.rest": _sum,
    "sim.once": _sum,
    "sim.question": _question,
    "sim.less": _less,
    "sim.tell": _tell,
    "flow.branch": _branch,
    "flow.merge": _merge,
    "flow.while": _while,
    "flow.reduce": _reduce,
    "flow.fallback": _alternatives,
    "flow.first_of": _alternatives,
    "flow.graph": _graph,
    "flow.map": _map,
}
