"""Two runs side by side: what took longer, what ended otherwise, what gave something else (pure)."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

#: So much of a text is compared line by line: the comparison is quadratic at its worst.
DIFF_LINES = 2000
DIFF_CONTEXT = 3

type Output = Literal["equal", "differs", "missing", "unknown", ""]
_SIGNS: Mapping[str, str] = {"+": "added", "-": "removed", "@": "place", " ": "same"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One task in one of the runs.

    `seconds` is None before its end; `outputs` are encoded values by port, None without a
    result; a port in `unread` has more than is compared.
    """

    title: str
    status: str
    seconds: float | None = None
    outputs: Mapping[str, str] | None = None
    unread: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedTask:
    """One task in both runs; None for the run that has no such task."""

    path: str
    left: Side | None
    right: Side | None
    output: Output
    ports: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """How it is called, in the later run if it is there."""
        side = self.right or self.left
        return side.title if side else self.path

    @property
    def delta(self) -> float | None:
        """How many seconds longer it took on the right; None unless both ended."""
        if not (self.left and self.right):
            return None
        if self.left.seconds is None or self.right.seconds is None:
            return None
        return self.right.seconds - self.left.seconds

    @property
    def is_different(self) -> bool:
        """Whether it is in one run only, ended otherwise or gave something else."""
        if self.left is None or self.right is None:
            return True
        return self.left.status != self.right.status or self.output not in {"equal", ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedValue:
    """One input or fact in both runs, as texts; None where there is none."""

    name: str
    left: str | None
    right: str | None

    @property
    def is_same(self) -> bool:
        """Whether both are equal."""
        return self.left == self.right


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLine:
    """A line of a comparison of two texts: added, removed, same, or the place of what follows."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDiff:
    """What differs between two texts; `is_cut` says that only their beginnings were compared."""

    lines: tuple[DiffLine, ...] = field(default=())
    is_cut: bool = False


def compared(left: Mapping[str, Side], right: Mapping[str, Side]) -> list[ComparedTask]:
    """Pair the tasks of two runs by path, the largest difference in time first."""
    paths = list(dict.fromkeys([*right, *left]))
    tasks = [_compared(path, left.get(path), right.get(path)) for path in paths]
    return sorted(tasks, key=lambda each: -abs(each.delta) if each.delta is not None else 1.0)


def compared_values(left: Mapping[str, str], right: Mapping[str, str]) -> list[ComparedValue]:
    """Pair texts by name, in the order of the right ones."""
    return [
        ComparedValue(name=name, left=left.get(name), right=right.get(name))
        for name in dict.fromkeys([*right, *left])
    ]


def diff(left: str, right: str) -> TextDiff:
    """Compare two texts line by line, in the manner of `diff -u`."""
    before, after = left.splitlines(), right.splitlines()
    lines = difflib.unified_diff(
        before[:DIFF_LINES], after[:DIFF_LINES], n=DIFF_CONTEXT, lineterm=""
    )
    return TextDiff(lines=tuple(_lines(lines)), is_cut=max(len(before), len(after)) > DIFF_LINES)


def _lines(lines: Iterator[str]) -> Iterator[DiffLine]:
    for number, line in enumerate(lines):
        if number > 1:  # the first two name the files
            yield DiffLine(kind=_SIGNS[line[:1]], text=line if line[:1] == "@" else line[1:])


def _compared(path: str, left: Side | None, right: Side | None) -> ComparedTask:
    output, ports = _outputs(left, right)
    return ComparedTask(path=path, left=left, right=right, output=output, ports=ports)


def _outputs(left: Side | None, right: Side | None) -> tuple[Output, tuple[str, ...]]:
    before = left.outputs if left else None
    after = right.outputs if right else None
    if before is None or after is None:
        return ("", ()) if before is after else ("missing", ())
    unread = (left.unread if left else frozenset()) | (right.unread if right else frozenset())
    ports = [port for port in dict.fromkeys([*after, *before]) if port not in unread]
    differ = tuple(port for port in ports if before.get(port) != after.get(port))
    if differ:
        return "differs", differ
    return ("unknown", ()) if unread else ("equal", ())
