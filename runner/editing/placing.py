"""Where a task stands on the canvas when nobody has put it anywhere: beside what it is joined to."""

from runner.editing.draft import BORDERS, Draft, joined

type Spot = tuple[int, int]

GRID = 16
WIDTH, GAP = 208, 128
#: No task of usual size reaches further down than this.
ROOM = 176


def spot_by_itself(number: int) -> Spot:
    """Give the place of the task of this number in its level as long as it has none."""
    return 320 + GRID * (number % 40), GRID * (number % 40)


def beside(draft: Draft, level: str, task_id: str) -> Spot:
    """Give a free place for a task: right of what feeds it, else left of what it feeds, else below."""
    graph, known = draft.level(level), draft.sheet.positions
    spots = {
        task.id: known.get(joined(level, task.id), spot_by_itself(number))
        for number, task in enumerate(graph.tasks)
        if task.id != task_id
    }
    spots |= {each: known[path] for each in BORDERS if (path := joined(level, each)) in known}
    x, y = _wanted(draft, level, task_id, spots)
    while any(abs(x - a) < WIDTH + GRID and abs(y - b) < ROOM for a, b in spots.values()):
        y += GRID
    return x, y


def _wanted(draft: Draft, level: str, task_id: str, spots: dict[str, Spot]) -> Spot:
    flows = draft.level(level).dataflows
    feeding = [each.source_end[0] for each in flows if each.target_end[0] == task_id]
    before = [spots[each] for each in feeding if each in spots]
    if before:
        return max(x for x, _ in before) + WIDTH + GAP, min(y for _, y in before)
    fed = [each.target_end[0] for each in flows if each.source_end[0] == task_id]
    after = [spots[each] for each in fed if each in spots]
    if after:
        return min(x for x, _ in after) - WIDTH - GAP, min(y for _, y in after)
    if not spots:
        return spot_by_itself(0)
    return min(x for x, _ in spots.values()), max(y for _, y in spots.values())
