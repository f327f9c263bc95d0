"""What a definition must give, computed without engine: plain functions in drawn order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

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


def _walk(
    graph: Mapping[str, Any], inputs: Mapping[str, Value], prefix: str, found: Expected
) -> dict[str, Value]:
    known = {f"$inputs.{name}": value for name, value in inputs.items()}
    for task in graph["tasks"]:
        given = _given(graph, task, known)
        path = prefix + task["id"]
        fails = task.get("config", {}).get("fails", 0)
        if given is None or fails >= FOR_EVER:
            found.lost.add(path)
            continue
        for port, value in _COMPUTE[task["type"]](task, given, path, found).items():
            known[f"{task['id']}.{port}"] = value
    outputs = graph.get("outputs", [])
    return {each["name"]: known[each["from"]] for each in outputs if each["from"] in known}


#: So many failing attempts are more than anybody waits for.
FOR_EVER = 99


def _given(
    graph: Mapping[str, Any], task: Mapping[str, Any], known: Mapping[str, Value]
) -> dict[str, list[Value]] | None:
    """Give the values by input port in drawn order; None if one of them is lost."""
    given: dict[str, list[Value]] = {
        port: [number(value) if isinstance(value, int) else numbers(value)]
        for port, value in task.get("inputs", {}).items()
    }
    for flow in graph.get("dataflows", []):
        target, _, port = flow["to"].partition(".")
        if target == task["id"]:
            if flow["from"] not in known:
                if task["type"] == "flow.graph":
                    continue  # only those inside that need it are lost
                return None
            given.setdefault(port, []).append(known[flow["from"]])
    return given


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
    return {name: numbers([item[name].whole for item in items]) for name in names}


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
    "flow.graph": _graph,
    "flow.map": _map,
}
