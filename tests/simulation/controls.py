"""Random controls in a definition: branches, merges, loops, alternatives, handled errors."""

from typing import TYPE_CHECKING, Any

from tests.simulation.model import FOR_EVER, ports_of

if TYPE_CHECKING:
    from tests.simulation.graphs import Drawing

CONTROLS = ("branch", "branch", "merge", "while", "reduce", "fallback", "first_of", "tell")

READERS = frozenset({"sim.tally", "sim.relay", "sim.read", "sim.keep", "sim.join"})


def add_control(drawing: "Drawing") -> None:
    """Add one, if what it needs is there."""
    kind = drawing.random.choice(CONTROLS)
    _ADD[kind](drawing, {"id": f"t{len(drawing.tasks)}", "type": f"flow.{kind}"})


def _add_branch(drawing: "Drawing", task: dict[str, Any]) -> None:
    if not drawing.numbers:
        return
    asked = drawing.random.choice(("score", "score", "value"))
    whole = drawing.numbers if asked == "value" or not drawing.streams else drawing.streams
    source = drawing.random.choice(whole)
    case = {"name": "low", "if": {"port": asked, "is": "<", "value": drawing.random.randrange(900)}}
    task["config"] = {"branches": [case], "otherwise": "high"}
    drawing.tasks.append(task)
    drawing.join(source, task, "value")
    if asked == "score":
        drawing.join(drawing.random.choice(drawing.numbers), task, "score")
    for way in ("low", "high"):
        drawing.offer_like(f"{task['id']}.{way}", source)


def _add_merge(drawing: "Drawing", task: dict[str, Any]) -> None:
    lists = [each for each in drawing.streams if each not in drawing.snapshots]
    sources = lists if drawing.random.random() < 0.5 else drawing.numbers
    sources = [each for each in sources if each not in drawing.snapshots]
    if len(sources) < 2 or drawing.is_hopeless:
        return
    drawing.tasks.append(task)
    chosen = drawing.random.sample(sources, 2)
    for each in chosen:
        drawing.join(each, task, "values")
    drawing.offer_like(f"{task['id']}.value", chosen[0])


def _add_while(drawing: "Drawing", task: dict[str, Any]) -> None:
    """Count down from a small number, mixing a sum on the way."""
    task["config"] = {"condition": {"port": "left", "is": ">", "value": 0}, "limit": 20}
    task["graph"] = _loop(drawing, "left", {"id": "less", "type": "sim.less"}, "value")
    task["inputs"] = {"left": drawing.random.randint(0, 4)}
    _finish_loop(drawing, task)


def _add_reduce(drawing: "Drawing", task: dict[str, Any]) -> None:
    lists = [each for each in drawing.streams if each not in drawing.snapshots]
    if not lists:
        return
    task["config"] = {"over": ["item"]}
    task["graph"] = _loop(drawing, "item", None, "")
    _finish_loop(drawing, task)
    drawing.join(drawing.random.choice(lists), task, "item")


def _loop(
    drawing: "Drawing", name: str, counting: dict[str, Any] | None, port: str
) -> dict[str, Any]:
    """Write the graph of a loop: `total` is handed on, `name` goes into it."""
    kind = drawing.random.choice(("sim.sum", "sim.note"))
    tasks = [{"id": "sum", "type": kind, "config": drawing.config(kind, failing=False)}]
    flows = [("$inputs.total", "sum.values"), (f"$inputs.{name}", "sum.values")]
    outputs = [{"name": "total", "from": "sum.result"}]
    if counting is not None:
        tasks.append({**counting, "config": drawing.config(counting["type"], failing=False)})
        flows.append((f"$inputs.{name}", f"{counting['id']}.{port}"))
        outputs.append({"name": name, "from": f"{counting['id']}.result"})
    return {
        "v": 1, "name": "turn", "tasks": tasks, "outputs": outputs,
        "inputs": [{"name": "total", "type": "int"}, {"name": name, "type": "int"}],
        "dataflows": [{"from": source, "to": target} for source, target in flows],
    }  # fmt: skip


def _finish_loop(drawing: "Drawing", task: dict[str, Any]) -> None:
    drawing.tasks.append(task)
    if drawing.numbers:
        drawing.join(drawing.random.choice(drawing.numbers), task, "total")
    else:
        task["inputs"] = {**task.get("inputs", {}), "total": 7}
    drawing.numbers.append(f"{task['id']}.total")


def _add_alternatives(drawing: "Drawing", task: dict[str, Any]) -> None:
    """Add alternatives that give the same, of which all but the last may fail for ever."""
    if not drawing.streams:
        return
    kind = drawing.random.choice(("sim.relay", "sim.read"))
    config = drawing.config(kind, failing=False)
    inner: list[dict[str, Any]] = []
    flows: list[dict[str, str]] = []
    for index in range(drawing.random.randint(1, 3)):
        own = {**config, "pauses": drawing.config(kind, failing=False).get("pauses", [])}
        if index and drawing.random.random() < 0.5:
            own |= {"fails": FOR_EVER, "fail_at": drawing.random.choice((0, 1, 3, 50))}
        inner.insert(0, {"id": f"a{index}", "type": kind, "config": own})
        flows.append({"from": "$inputs.given", "to": f"a{index}.numbers"})
    source = drawing.random.choice(drawing.streams)
    kind_of = "int" if source in drawing.snapshots else "list[int]"
    task["graph"] = {
        "v": 1, "name": "alternatives", "tasks": inner, "dataflows": flows,
        "inputs": [{"name": "given", "type": kind_of}],
    }  # fmt: skip
    drawing.tasks.append(task)
    drawing.join(source, task, "given")
    (port,) = ports_of(task)
    (drawing.streams if port == "numbers" else drawing.numbers).append(f"{task['id']}.{port}")


def _add_tell(drawing: "Drawing", task: dict[str, Any]) -> None:
    """Take the error of a task that always fails, or never does."""
    plain = [each for each in drawing.tasks if each["type"].startswith("sim.")]
    if drawing.is_hopeless or drawing.told or not drawing.tells_of_readers:
        # Whether it fails before the stream that it reads does is a matter of time.
        plain = [each for each in plain if each["type"] not in READERS]
    # A compound whose input streams begins with it, and is not skipped as a whole any more.
    plain = [each for each in plain if not _feeds_graph(drawing, each["id"])]
    if not plain:
        return
    failing = drawing.random.choice(plain)
    if drawing.told and drawing.tells_of_readers:
        return
    if drawing.random.random() < 0.6 or failing["config"].get("fails"):
        failing["config"]["fails"] = FOR_EVER
        failing["config"].setdefault("fail_at", drawing.random.choice((0, 1, 3)))
        failing.pop("policy", None)
        drawing.told = True
    task |= {"type": "sim.tell", "config": drawing.config("sim.tell", failing=False)}
    drawing.tasks.append(task)
    drawing.join(f"{failing['id']}.[error]", task, "error")
    drawing.numbers.append(f"{task['id']}.result")


def _feeds_graph(drawing: "Drawing", name: str) -> bool:
    graphs = {each["id"] for each in drawing.tasks if each["type"] == "flow.graph"}
    return any(
        flow["from"].startswith(f"{name}.") and flow["to"].partition(".")[0] in graphs
        for flow in drawing.flows
    )


_ADD = {
    "branch": _add_branch,
    "merge": _add_merge,
    "while": _add_while,
    "reduce": _add_reduce,
    "fallback": _add_alternatives,
    "first_of": _add_alternatives,
    "tell": _add_tell,
}
