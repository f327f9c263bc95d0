"""Random drafts, and random acts on them."""

from typing import Any

from hypothesis import strategies as st

from runner.editing.draft import Draft, joined
from runner.editing.pasting import clip_of
from tests.tasks import registry_of_tests

TYPES = ("test.number", "test.add", "test.emit", "test.total", "flow.graph", "flow.map", "no.such")
NUMBERS = st.integers(-500, 500)
REGISTRY = registry_of_tests()


@st.composite
def acts(draw: st.DrawFn, draft: Draft) -> dict[str, Any]:
    """Draw an act that could be meant on this draft; many are refused all the same."""
    level, graph = draw(st.sampled_from(list(draft.walk())))
    kinds = ["add", "input", "graph", "note", "frame", "output", "connect"]
    if graph.tasks:
        kinds += ["remove", "title", "disable", "set", "move", "group", "paste", "bridge", "order"]
        kinds += ["unpack"]
    kinds += ["disconnect", "insert"] if graph.dataflows else []
    kinds += ["remove-input"] if graph.inputs else []
    kinds += ["remove-output"] if graph.outputs else []
    kind = draw(st.sampled_from(kinds))
    return {"op": kind, **_ARGUMENTS[kind](draw, draft, level, graph)}


def _task(draw, graph):
    return draw(st.sampled_from(graph.tasks)).id


def _ids(draw, graph):
    chosen = st.lists(st.sampled_from([task.id for task in graph.tasks]), min_size=1, unique=True)
    return draw(chosen)


def _end(draw, graph, ports):
    names = [task.id for task in graph.tasks] + ["$inputs"]
    return f"{draw(st.sampled_from(names))}.{draw(st.sampled_from(ports))}"


def _flow(draw, graph):
    flow = draw(st.sampled_from(graph.dataflows))
    return {"source": flow.source, "target": flow.target}


def _paste(draw, draft, level, graph):
    clip = clip_of(draft, level, _ids(draw, graph))
    into, _ = draw(st.sampled_from(list(draft.walk())))
    return {"level": into, "clip": clip, "links": draw(st.booleans())}


def _spots(draw, things):
    names = draw(st.lists(st.sampled_from(sorted(things)), unique=True)) if things else []
    return {name: draw(st.tuples(NUMBERS, NUMBERS)) for name in names}


def _source(draw, graph):
    return _end(draw, graph, ["result", "numbers", "n"])


_ARGUMENTS: dict[str, Any] = {
    "add": lambda draw, _d, level, _g: {
        "level": level,
        "type": draw(st.sampled_from(TYPES)),
        "at": draw(st.none() | st.tuples(NUMBERS, NUMBERS)),
    },
    "remove": lambda draw, _d, level, graph: {"level": level, "ids": _ids(draw, graph)},
    "title": lambda draw, _d, level, graph: {
        "path": joined(level, _task(draw, graph)),
        "title": draw(st.sampled_from(["Sum", "", "Ünïcode 🌊"])),
    },
    "disable": lambda draw, _d, level, graph: {
        "paths": [joined(level, each) for each in _ids(draw, graph)],
        "disabled": draw(st.booleans()),
    },
    "set": lambda draw, _d, level, graph: {
        "path": joined(level, _task(draw, graph)),
        "section": draw(st.sampled_from(["config", "inputs", "policy"])),
        "name": draw(st.sampled_from(["value", "limit", "values"])),
        "value": draw(st.sampled_from([1, "text", None, [1, 2], {"a": 1.5}])),
        "unset": draw(st.booleans()),
    },
    "connect": lambda draw, _d, level, graph: {
        "level": level,
        "source": _source(draw, graph),
        "target": _end(draw, graph, ["values", "numbers", "n", "item"]),
    },
    "disconnect": lambda draw, _d, level, graph: {"level": level, **_flow(draw, graph)},
    "insert": lambda draw, _d, level, graph: {
        "level": level,
        **_flow(draw, graph),
        "type": draw(st.sampled_from(TYPES)),
    },
    "bridge": lambda draw, _d, level, graph: {"level": level, "id": _task(draw, graph)},
    "order": lambda draw, _d, level, graph: {
        "level": level,
        "ids": draw(st.permutations([task.id for task in graph.tasks])),
    },
    "input": lambda draw, _d, level, graph: {
        "level": level,
        "port": {"name": draw(st.sampled_from(["n", "item", "more"])), "type": "int"},
        "was": draw(st.sampled_from(["", *(port.name for port in graph.inputs)])),
    },
    "remove-input": lambda draw, _d, level, graph: {
        "level": level,
        "name": draw(st.sampled_from(graph.inputs)).name,
    },
    "output": lambda draw, _d, level, graph: {
        "level": level,
        "name": draw(st.sampled_from(["sum", "other"])),
        "source": _source(draw, graph),
        "was": draw(st.sampled_from(["", *(port.name for port in graph.outputs)])),
    },
    "remove-output": lambda draw, _d, level, graph: {
        "level": level,
        "name": draw(st.sampled_from(graph.outputs)).name,
    },
    "graph": lambda draw, _d, level, _g: {"level": level, "fail_fast": draw(st.booleans())},
    "move": lambda draw, draft, level, graph: {
        "positions": {
            joined(level, each): draw(st.none() | st.tuples(NUMBERS, NUMBERS))
            for each in _ids(draw, graph)
        },
        "notes": _spots(draw, draft.sheet.notes),
        "frames": _spots(draw, draft.sheet.frames),
    },
    "note": lambda draw, _d, level, _g: {
        "id": draw(st.sampled_from(["n1", "n2"])),
        "note": {"box": [1, 2, 30, 40], "text": draw(st.text(max_size=5)), "inside": level},
    },
    "frame": lambda draw, _d, level, _g: {
        "id": draw(st.sampled_from(["f1", "f2"])),
        "frame": {"box": [1, 2, 30, 40], "title": "Part", "inside": level},
    },
    "group": lambda draw, _d, level, graph: {"level": level, "ids": _ids(draw, graph)},
    "unpack": lambda draw, _d, level, graph: {"path": joined(level, _task(draw, graph))},
    "paste": _paste,
}
