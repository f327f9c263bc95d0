"""Where things stand on the sheet of a level, and where there is room for another one."""

from collections.abc import Collection, Sequence
from itertools import count

from runner.editing.draft import BORDERS, Draft, joined
from runner.editing.placing import GRID, spot_by_itself
from runner.editing.sheet import Box, Spot
from runner.errors import DefinitionError
from runner.graph.registry import TaskRegistry
from workflows.canvas import canvas_of
from workflows.tiles import WIDTH, CanvasBox

MARGIN, HEAD = 24, 48
_NOTE = (240, 112)


def drawn_boxes(
    drawing: Draft, level: str, registry: TaskRegistry, ids: Sequence[str]
) -> list[CanvasBox]:
    """Give the boxes of tasks as the canvas draws them; raises DefinitionError for one that is gone."""
    boxes = canvas_of(drawing, level, registry).boxes
    for each in ids:
        if each not in boxes:
            raise DefinitionError(f"There is no task '{each[:140]}' any more.")
    return [boxes[each] for each in ids]


def room_around(boxes: Sequence[CanvasBox]) -> list[int]:
    """Give the box of a frame around others."""
    left, top = min(box.at[0] for box in boxes) - MARGIN, min(box.at[1] for box in boxes) - HEAD
    right = max(box.at[0] + WIDTH for box in boxes) + MARGIN
    bottom = max(box.at[1] + box.height for box in boxes) + MARGIN
    return [left, top, right - left, bottom - top]


def room_below(drawing: Draft, level: str) -> Box:
    """Give the box of a new note: below all tasks of a level, and at their left edge."""
    spots = [spot_of(drawing, level, task.id) for task in drawing.level(level).tasks]
    left = min((x for x, _ in spots), default=0)
    top = max((y for _, y in spots), default=-10 * GRID) + 10 * GRID
    return left, top, *_NOTE


def spot_of(drawing: Draft, level: str, task_id: str) -> Spot:
    """Say where a task, or a border of a level, stands."""
    known = drawing.sheet.positions.get(joined(level, task_id))
    if known is not None or task_id in BORDERS:
        return known or (0, 0)
    ids = [task.id for task in drawing.level(level).tasks]
    return spot_by_itself(ids.index(task_id) if task_id in ids else 0)


def free_thing(first: str, taken: Collection[str]) -> str:
    """Give a name that no note, or no frame, has yet."""
    return next(name for number in count(1) if (name := f"{first}{number}") not in taken)
