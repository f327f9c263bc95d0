"""What the buttons of the outline mean: each is an act like those of the canvas."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.http import QueryDict

from runner.editing.draft import Draft, joined, parted
from runner.editing.pasting import clip_of
from runner.errors import DefinitionError
from runner.graph.definition import GraphDefinition
from runner.graph.registry import TaskRegistry
from workflows.canvas import tidied_spots
from workflows.outlining import ends_in
from workflows.panel import Act
from workflows.sheet_places import drawn_boxes, free_thing, room_around


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The tasks that are ticked, all of one level, and what was sent with them."""

    drawing: Draft
    registry: TaskRegistry
    level: str
    ids: list[str]
    data: QueryDict

    @property
    def paths(self) -> list[str]:
        """Their paths."""
        return [joined(self.level, each) for each in self.ids]

    @property
    def only(self) -> str:
        """The one that is ticked; raises DefinitionError when there are more."""
        if len(self.ids) > 1:
            raise DefinitionError("Choose one task only.")
        return self.ids[0]


def adding(level: str, kind: str, place: str) -> Act:
    """Give the act that adds a task of a type at a place."""
    source, target = ends_in(place)
    if source and target:
        return {"op": "insert", "level": level, "source": source, "target": target, "type": kind}
    return {"op": "add", "level": level, "type": kind, "source": source, "target": target}


def tidying(drawing: Draft, level: str, registry: TaskRegistry) -> Act:
    """Give the act that lays a level out anew; raises DefinitionError when it is empty."""
    spots = tidied_spots(drawing, level, registry)
    if not spots:
        raise DefinitionError("There is nothing to lay out yet.")
    return {"op": "move", "positions": spots, "tidy": True}


def asked_of(drawing: Draft, registry: TaskRegistry, data: QueryDict) -> Act:
    """Give the act that a button of the list means: one beside a task, or one for those chosen.

    Raises DefinitionError with one sentence when it means nothing.
    """
    for name, meaning in _BESIDE.items():
        if name in data:
            return meaning(drawing, str(data.get(name, "")))
    chosen = chosen_in(drawing, registry, data)
    meaning_of_all = _OF_ALL.get(data.get("all", ""))
    if meaning_of_all is None:
        raise DefinitionError("This button is not known here; load the page again.")
    return meaning_of_all(chosen)


def chosen_in(drawing: Draft, registry: TaskRegistry, data: QueryDict) -> Chosen:
    """Read which tasks are ticked; raises DefinitionError for none, or for those of two levels."""
    paths = data.getlist("paths")
    if not paths:
        raise DefinitionError("Choose one task or more first.")
    levels = {parted(path)[0] for path in paths}
    if len(levels) > 1 and data.get("all") not in _ANYWHERE:
        raise DefinitionError("Choose tasks of one level: these stand inside of different ones.")
    level = "" if len(levels) > 1 else levels.pop()
    ids = [path.removeprefix(joined(level, "")) for path in paths]
    return Chosen(drawing=drawing, registry=registry, level=level, ids=ids, data=data)


# ── beside a task ───────────────────────────────────────────────────────────────────────────────


def _moved(drawing: Draft, path: str, by: int) -> Act:
    level, task_id = parted(path)
    ids = [task.id for task in drawing.level(level).tasks]
    if task_id not in ids:
        raise DefinitionError(f"There is no task '{path[:140]}' any more.")
    place = min(max(ids.index(task_id) + by, 0), len(ids) - 1)
    ids.remove(task_id)
    ids.insert(place, task_id)
    return {"op": "order", "level": level, "ids": ids}


def _bridged(_drawing: Draft, path: str) -> Act:
    level, task_id = parted(path)
    return {"op": "bridge", "level": level, "id": task_id}


_BESIDE: Mapping[str, Callable[[Draft, str], Act]] = {
    "up": lambda drawing, path: _moved(drawing, path, -1),
    "down": lambda drawing, path: _moved(drawing, path, 1),
    "bridge": _bridged,
    "unpack": lambda _, path: {"op": "unpack", "path": path},
}


# ── with those that are chosen ──────────────────────────────────────────────────────────────────


def _grouped(chosen: Chosen) -> Act:
    title = " ".join(chosen.data.get("title", "").split())
    return {"op": "group", "level": chosen.level, "ids": chosen.ids, "title": title or "Group"}


def _removed(chosen: Chosen) -> Act:
    return {"op": "remove", "level": chosen.level, "ids": chosen.ids}


def _copied(chosen: Chosen) -> Act:
    clip = clip_of(chosen.drawing, chosen.level, chosen.ids)
    return {"op": "paste", "level": chosen.level, "clip": clip, "links": True}


def _disabled(*, disabled: bool) -> Callable[[Chosen], Act]:
    return lambda chosen: {"op": "disable", "paths": chosen.paths, "disabled": disabled}


def _aligned(side: int) -> Callable[[Chosen], Act]:
    """Put all at the same x (side 0), or y (side 1), as the first one."""

    def act(chosen: Chosen) -> Act:
        boxes = drawn_boxes(chosen.drawing, chosen.level, chosen.registry, chosen.ids)
        edge = boxes[0].at[side]
        spots = [(edge, box.at[1]) if side == 0 else (box.at[0], edge) for box in boxes]
        return {"op": "move", "positions": dict(zip(chosen.paths, spots, strict=True))}

    return act


def _framed(chosen: Chosen) -> Act:
    boxes = drawn_boxes(chosen.drawing, chosen.level, chosen.registry, chosen.ids)
    title = " ".join(chosen.data.get("title", "").split())
    frame = {"box": room_around(boxes), "title": title or "Part", "inside": chosen.level}
    return {"op": "frame", "id": free_thing("f", chosen.drawing.sheet.frames), "frame": frame}


def _inserted(chosen: Chosen) -> Act:
    source, _, target = chosen.data.get("flow", "").partition(" ")
    if not target:
        raise DefinitionError("Choose the dataflow that the task is put into.")
    ends = {"source": source, "target": target, "id": chosen.only}
    return {"op": "insert", "level": chosen.level, **ends}


_OF_ALL: Mapping[str, Callable[[Chosen], Act]] = {
    "group": _grouped,
    "remove": _removed,
    "cut": _removed,
    "copy": _copied,
    "disable": _disabled(disabled=True),
    "enable": _disabled(disabled=False),
    "left": _aligned(0),
    "top": _aligned(1),
    "frame": _framed,
    "insert": _inserted,
}
#: What may be said of tasks of several levels at once.
_ANYWHERE = frozenset({"disable", "enable"})


# ── choosing ────────────────────────────────────────────────────────────────────────────────────


def also_chosen(drawing: Draft, level: str, paths: Iterable[str], which: str) -> frozenset[str]:
    """Choose more: "all" of a level, or what comes "after" or "before" the tasks that are chosen."""
    graph = drawing.level(level)
    if which == "all":
        return frozenset(joined(level, task.id) for task in graph.tasks)
    found = {parted(path)[1] for path in paths if parted(path)[0] == level}
    waiting = list(found)
    onward = _steps(graph, back=which == "before")
    while waiting:
        for each in onward.get(waiting.pop(), ()):
            if each not in found:
                found.add(each)
                waiting.append(each)
    return frozenset(joined(level, each) for each in found) | frozenset(paths)


def _steps(graph: GraphDefinition, *, back: bool) -> dict[str, list[str]]:
    known = {task.id for task in graph.tasks}
    found: dict[str, list[str]] = {}
    for flow in graph.dataflows:
        start, end = flow.source_end[0], flow.target_end[0]
        if back:
            start, end = end, start
        if end in known:
            found.setdefault(start, []).append(end)
    return found
