"""Hypothesis: random definitions with streams, and where their runs crash."""

from typing import Any

from hypothesis import strategies as st

from tests.drive import definition_of

#: type -> (input port, takes several, gives a stream)
SHAPES = {
    "test.number": (None, False, "result"),
    "test.add": ("values", True, "result"),
    "test.note": ("values", True, "result"),
    "test.emit": (None, False, "numbers"),
    "test.double": ("numbers", False, "numbers"),
    "test.first": ("numbers", False, "result"),
    "test.total": ("numbers", False, "result"),
}
#: How many chunks a stream has, unless a test says otherwise.
COUNTS = st.integers(0, 6)
STREAMS = frozenset({"test.emit", "test.double"})
BODY = {
    "v": 1,
    "name": "body",
    "inputs": [{"name": "item", "type": "int"}],
    "outputs": [{"name": "total", "from": "note.result"}],
    "tasks": [{"id": "add", "type": "test.add"}, {"id": "note", "type": "test.note"}],
    "dataflows": [
        {"from": "$inputs.item", "to": "add.values"},
        {"from": "add.result", "to": "note.values"},
    ],
}


@st.composite
def definitions(draw: st.DrawFn, counts: st.SearchStrategy[int] = COUNTS) -> str:
    """Draw a definition of 1 to 9 tasks whose dataflows fit; streams have `counts` chunks."""
    tasks: list[dict[str, Any]] = []
    flows: list[tuple[str, str]] = []
    numbers: list[str] = []
    streams: list[str] = []
    for index in range(draw(st.integers(1, 9))):
        _add_task(draw, f"t{index}", tasks, flows, numbers, streams, counts)
    outputs = {each.replace(".", "_"): each for each in (*numbers, *streams)}
    return definition_of(tasks, flows, outputs=outputs)


def _add_task(draw, name, tasks, flows, numbers, streams, counts) -> None:
    kinds = ["test.number", "test.emit"]
    kinds += ["test.add", "test.note"] if numbers else []
    kinds += ["test.double", "test.first", "test.total", "flow.map"] if streams else []
    kind = draw(st.sampled_from(kinds))
    if kind == "flow.map":
        config = {"over": ["item"], "limit": draw(st.integers(1, 3))}
        tasks.append({"id": name, "type": kind, "config": config, "graph": BODY})
        flows.append((draw(st.sampled_from(streams)), f"{name}.item"))
        return
    task = {"id": name, "type": kind, "config": {"yields": draw(st.integers(0, 3))}}
    if kind == "test.emit":
        task["inputs"] = {"count": draw(counts)}
    tasks.append(task)
    port, several, output = SHAPES[kind]
    if port is not None:
        choices = numbers if several else streams
        chosen = st.lists(st.sampled_from(choices), min_size=1, max_size=3 if several else 1)
        flows.extend((each, f"{name}.{port}") for each in draw(chosen))
    (streams if kind in STREAMS else numbers).append(f"{name}.{output}")


#: After how many commits each life of a run ends; at most three crashes.
crashes = st.lists(st.integers(0, 12), max_size=3)
#: How many events go into one commit.
batches = st.integers(1, 8)
