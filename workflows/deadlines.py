"""What happens when nobody answers in time (pure)."""

from runner.graph.dataflow import ERROR_PORT
from workflows.outline import FALLBACK, FIRST_OF, Level, Outline, Place


def after_deadline(outline: Outline, path: str) -> str:
    """Say which way a run takes once a question's deadline has passed: half a sentence."""
    place = outline.place_of(path)
    if place is None:
        return "the task fails"
    around = outline.everywhere.get(place.parent.removesuffix("[]"))
    level = around.body if around else outline.level
    if taken := _after_error(place, level, outline):
        return f"it goes on with {taken}"
    if around and around.type == FALLBACK:
        return f"{around.title} tries its next alternative"
    if around and around.type == FIRST_OF:
        return f"the other alternatives of {around.title} go on"
    return "the task fails"


def _after_error(place: Place, level: Level | None, outline: Outline) -> str:
    """Name the tasks that take the error of one; empty when none does."""
    flows = level.flows if level else ()
    targets = [
        outline.everywhere.get(each.target)
        for each in flows
        if (each.source, each.source_port) == (place.path, ERROR_PORT)
    ]
    return " and ".join(each.title for each in targets if each)
