"""Which rows of a run a page shows: open and closed compounds, a filter, pages (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from workflows.rows import Row

#: With more rows than this, compounds start closed.
OPEN_AT_MOST = 300
#: So many rows stand on one page.
ROWS = 500
LONGEST_QUERY = 200
MANY_PATHS = 200
DIGITS = 6

#: What the filter offers: a name, the words for it, and the statuses it lets through.
ONLY: Mapping[str, tuple[str, frozenset[str]]] = {
    "failed": ("failed", frozenset({"failed", "upstream-failed", "interrupted"})),
    "moving": (
        "at work",
        frozenset({"running", "streaming", "retrying", "queued", "cancelling"}),
    ),
    "awaiting": ("waiting for somebody", frozenset({"awaiting"})),
    "pending": ("not started", frozenset({"pending"})),
    "done": ("done", frozenset({"completed", "cached", "skipped", "cancelled"})),
}
_TROUBLE = frozenset({"failed", "interrupted", "awaiting"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a page asks of the tree; everything has a place in its address."""

    view: str = "tree"
    words: str = ""
    only: str = ""
    opened: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    every: str = ""
    page: int = 1

    @property
    def is_filtered(self) -> bool:
        """Whether some rows are left out because of what they are."""
        return bool(self.words or self.only)

    @property
    def only_words(self) -> str:
        """The filter by state in words; empty without one."""
        return ONLY[self.only][0] if self.only else ""

    def address(self) -> str:
        """Write it as a query; what is as it is at the start is left out."""
        pairs = [("view", self.view), ("q", self.words), ("only", self.only), ("every", self.every)]
        pairs += [("open", path) for path in sorted(self.opened)]
        pairs += [("close", path) for path in sorted(self.closed)]
        pairs += [("page", str(self.page))] if self.page > 1 else []
        return "?" + urlencode([(name, value) for name, value in pairs if value])


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row as the tree shows it; `is_open` is None for one that has nothing to open."""

    row: Row
    is_open: bool | None = None
    turn: str = ""

    @property
    def expanded(self) -> str:
        """Whether it is open, as a browser wants to hear it; empty where there is nothing."""
        return "" if self.is_open is None else str(self.is_open).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """One page of the rows that are not hidden, and how to come to the others."""

    asked: Asked
    lines: tuple[Line, ...]
    first: int
    count: int
    hidden: int
    has_groups: bool

    @property
    def last(self) -> int:
        """The number of the last row on the page."""
        return self.first + len(self.lines) - 1 if self.lines else 0

    @property
    def previous(self) -> str:
        """The address of the page before; empty on the first one."""
        return self._page(self.asked.page - 1) if self.asked.page > 1 else ""

    @property
    def next(self) -> str:
        """The address of the page after; empty on the last one."""
        return self._page(self.asked.page + 1) if self.last < self.count else ""

    @property
    def is_paged(self) -> bool:
        """Whether there is more than one page."""
        return self.count > len(self.lines)

    def _page(self, number: int) -> str:
        return replace(self.asked, page=number).address()


def asked_of_query(query: Mapping[str, Sequence[str]]) -> Asked:
    """Read what an address asks for; what cannot be meant counts as not asked."""

    def one(name: str) -> str:
        return next(iter(query.get(name, ())), "")[:LONGEST_QUERY]

    page = one("page")
    return Asked(
        words=" ".join(one("q").split()),
        only=one("only") if one("only") in ONLY else "",
        every=one("every") if one("every") in {"open", "closed"} else "",
        opened=frozenset(query.get("open", ())[:MANY_PATHS]),
        closed=frozenset(query.get("close", ())[:MANY_PATHS]),
        page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) <= DIGITS else 1,
    )


def tree_of(rows: Mapping[str, Row], asked: Asked) -> Tree:
    """Choose the rows of one page; `rows` are in order, parents before what is inside."""
    found = list(_lines(rows, asked))
    page = min(asked.page, max(1, -(-len(found) // ROWS)))
    asked = replace(asked, page=page)
    start = (page - 1) * ROWS
    shown = found[start : start + ROWS]
    return Tree(
        asked=asked,
        lines=tuple(
            replace(line, turn=_turned(line, asked)) if line.is_open is not None else line
            for line in shown
        ),
        first=start + 1 if shown else 0,
        count=len(found),
        hidden=len(rows) - len(found),
        has_groups=any(row.kind == "compound" for row in rows.values()),
    )


def _lines(rows: Mapping[str, Row], asked: Asked) -> Iterator[Line]:
    wanted = _matching(rows, asked) if asked.is_filtered else None
    troubled = _around(path for path, row in rows.items() if _is_trouble(row))
    small = len(rows) <= OPEN_AT_MOST
    hidden_below = ""
    for path, row in rows.items():
        if hidden_below and path.startswith(hidden_below):
            continue
        hidden_below = ""
        if wanted is not None and path not in wanted:
            continue
        is_open = None
        if row.kind == "compound":
            is_open = wanted is not None or _is_open(path, asked, small or path in troubled)
            hidden_below = "" if is_open else f"{path}/"
        yield Line(row=row, is_open=is_open)


def _is_open(path: str, asked: Asked, at_first: bool) -> bool:  # noqa: FBT001 - a value, no switch
    if path in asked.opened or path in asked.closed:
        return path in asked.opened
    return asked.every == "open" if asked.every else at_first


def _turned(line: Line, asked: Asked) -> str:
    path = frozenset({line.row.path})
    if line.is_open:
        return replace(asked, opened=asked.opened - path, closed=asked.closed | path).address()
    return replace(asked, opened=asked.opened | path, closed=asked.closed - path).address()


def _matching(rows: Mapping[str, Row], asked: Asked) -> set[str]:
    """Name the rows that the filter wants, and those that they are inside of."""
    words = asked.words.casefold()
    _, statuses = ONLY.get(asked.only, ("", None))
    found = [
        path
        for path, row in rows.items()
        if (not words or words in row.title.casefold() or words in path.casefold())
        and (statuses is None or (row.kind != "compound" and _is_any(row, statuses)))
    ]
    return {*found, *_around(found)}


def _is_any(row: Row, statuses: frozenset[str]) -> bool:
    return row.status in statuses or any(count.status in statuses for count in row.counts)


def _around(paths: Iterator[str] | list[str]) -> set[str]:
    """Name the compounds that these paths lie in."""
    found: set[str] = set()
    for path in paths:
        outer = path.rpartition("/")[0]
        while outer and outer not in found:
            found.add(outer)
            outer = outer.rpartition("/")[0]
    return found


def _is_trouble(row: Row) -> bool:
    return row.status in _TROUBLE and row.kind != "compound" and not row.is_handled
