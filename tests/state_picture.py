"""The picture of all statuses: written from the tables of moves by `make state-picture`."""

from collections.abc import Iterator
from pathlib import Path

from runner.execution.memory import STATUS_OF
from runner.run.moves import ACTIVE, IDLE, LIVE, MOVES
from runner.run.status import TaskStatus

PAGE = Path(__file__).resolve().parents[1] / "docs/states.md"
BEGIN, END = "<!-- made by make state-picture: {} -->", "<!-- end -->"
#: Statuses that are drawn in a frame, the outer ones first; an arrow from a frame is one from each.
FRAMES = {"active": ACTIVE, "live": LIVE, "idle": IDLE}
STATUSES = tuple(status for status in TaskStatus if status is not TaskStatus.CANCELLING)


def arrows() -> dict[tuple[str, str], list[str]]:
    """Give the arrows: from a status or a frame to a status, with the events that lead there."""
    found: dict[tuple[str, str], list[str]] = {}
    for kind, (legal, target) in MOVES.items():
        if target is not None:
            for source in _sources(legal, target):
                found.setdefault((source, target.value), []).append(kind.__name__)
    return found


def _sources(legal: frozenset[TaskStatus], target: TaskStatus) -> Iterator[str]:
    """Name frames that hold legal statuses only, then single statuses; no frame of the target."""
    left = legal - {target}
    for name, inside in FRAMES.items():
        if inside <= left:
            yield name
            left -= inside
    yield from (status.value for status in STATUSES if status in left)


def drawing() -> str:
    """Give the picture as a Mermaid flowchart."""
    lines = ["```mermaid", "flowchart LR", "  subgraph idle", *_boxes(IDLE), "  end"]
    lines += ["  subgraph active", "    subgraph live", *_boxes(LIVE, 6), "    end"]
    lines += [*_boxes(ACTIVE - LIVE), "  end"]
    for (source, target), events in arrows().items():
        lines.append(f"  {source} -- {'<br>'.join(events)} --> {target}")
    return "\n".join([*lines, "```"])


def _boxes(statuses: frozenset[TaskStatus], indent: int = 4) -> list[str]:
    return [f"{' ' * indent}{status.value}" for status in STATUSES if status in statuses]


def table() -> str:
    """Give the moves as a table, one event a row."""
    rows = ["| event | comes in | leads to |", "| --- | --- | --- |"]
    for kind, (legal, target) in MOVES.items():
        inside = ", ".join(status.value for status in STATUSES if status in legal)
        rows.append(f"| `{kind.__name__}` | {inside} | {target.value if target else 'the same'} |")
    return "\n".join(rows)


def runs() -> str:
    """Give the events that change a run's status as a table."""
    rows = ["| event | leads to |", "| --- | --- |"]
    rows += [f"| `{kind.__name__}` | {status.value} |" for kind, status in STATUS_OF.items()]
    return "\n".join(rows)


def page_with_picture(text: str) -> str:
    """Give the page with what stands between its marks made anew; raises ValueError without them."""
    for name, made in (("tasks", f"{drawing()}\n\n{table()}"), ("runs", runs())):
        start = text.index(BEGIN.format(name))
        end = text.index(END, start)
        text = f"{text[:start]}{BEGIN.format(name)}\n\n{made}\n\n{text[end:]}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page_with_picture(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
