"""How a dataflow is drawn: its curve, the mark on its target port, where its words stand (pure)."""

from itertools import pairwise

type Spot = tuple[float, float]

PLAIN = 4  # so many points are one bend, to the next column: drawn as one curve
_RADIUS = 10
_LEAST_PULL = 28.0


def curve(points: list[Spot]) -> str:
    """Draw a way as the data of an SVG path."""
    (x, y), (to_x, to_y) = points[0], points[-1]
    if len(points) > PLAIN:
        return _rounded(points)
    pull = max(_LEAST_PULL, abs(to_x - x) / 2)
    return f"M{x:g} {y:g}C{x + pull:g} {y:g} {to_x - pull:g} {to_y:g} {to_x:g} {to_y:g}"


def middle(points: list[Spot]) -> Spot:
    """Find where words about a way have the most room."""
    pairs = list(pairwise(points))
    longest = max(pairs, key=lambda pair: abs(pair[1][0] - pair[0][0]))
    if len(points) <= PLAIN:
        longest = (points[0], points[-1])
    (x, y), (to_x, to_y) = longest
    return (x + to_x) / 2, (y + to_y) / 2


def port_mark(spot: Spot, *, first_chunk: bool) -> str:
    """Draw a half disc for a port that starts at the first chunk, a square for one that waits."""
    x, y = spot
    if first_chunk:
        return f"M{x:g} {y - 6:g}A6 6 0 0 0 {x:g} {y + 6:g}Z"
    return f"M{x - 8:g} {y - 4:g}h8v8h-8Z"


def _rounded(points: list[Spot]) -> str:
    parts = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        near, far = _towards(corner, before), _towards(corner, after)
        parts.append(f"L{near[0]:g} {near[1]:g}Q{corner[0]:g} {corner[1]:g} {far[0]:g} {far[1]:g}")
    parts.append(f"L{points[-1][0]:g} {points[-1][1]:g}")
    return "".join(parts)


def _towards(start: Spot, goal: Spot) -> Spot:
    length = ((goal[0] - start[0]) ** 2 + (goal[1] - start[1]) ** 2) ** 0.5
    share = min(0.5, _RADIUS / length) if length else 0
    return start[0] + (goal[0] - start[0]) * share, start[1] + (goal[1] - start[1]) * share
