"""The log of a run: the lines of all its tasks, searched as a whole, a page at a time."""

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q

from workflows.models import Run

#: So many lines stand on one page.
LINES = 1000
LONGEST_QUERY = 200
LONGEST_PATH = 1000
DIGITS = 18
LEVELS: Mapping[str, int] = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
# Escape sequences of terminals (ECMA-48): colours, cursor moves, titles; and bare controls.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def plain(text: str) -> str:
    """Take out what only a terminal understands; tabs and line ends stay."""
    return _ESCAPES.sub("", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line that a task wrote; `seq` is its number among the events of the run."""

    seq: int
    at: datetime
    path: str
    level: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """What a page asks of the log; `before` and `around` are numbers of events, 0 if not asked."""

    words: str = ""
    level: str = ""
    task: str = ""
    before: int = 0
    around: int = 0

    @property
    def is_filtered(self) -> bool:
        """Whether some lines are left out because of what they are."""
        return bool(self.words or self.level or self.task)

    @property
    def address(self) -> str:
        """Write it as a query, without the page."""
        pairs = [("view", "log"), ("q", self.words), ("level", self.level), ("in", self.task)]
        return "?" + urlencode([(name, value) for name, value in pairs if value])

    def takes(self, line: LogLine) -> bool:
        """Whether a line is one of those asked for."""
        return LEVELS.get(line.level, LEVELS["INFO"]) >= LEVELS.get(self.level, 0) and (
            not self.words or self.words.casefold() in line.text.casefold()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """Some of the hits, oldest first; `hits` and `total` count those of the whole run."""

    query: LogQuery
    lines: tuple[LogLine, ...]
    hits: int
    total: int
    earlier: int
    later: int

    @property
    def last(self) -> int:
        """The number of the newest line shown; 0 without one."""
        return self.lines[-1].seq if self.lines else 0

    @property
    def previous(self) -> str:
        """The address of the lines before; empty if there are none."""
        return f"{self.query.address}&before={self.lines[0].seq}" if self.earlier else ""


def log_query_of(query: Mapping[str, Sequence[str]]) -> LogQuery:
    """Read what an address asks for; what cannot be meant counts as not asked."""

    def one(name: str, longest: int = LONGEST_QUERY) -> str:
        return next(iter(query.get(name, ())), "")[:longest]

    def number(name: str) -> int:
        text = one(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else 0

    return LogQuery(
        words=one("q").strip(),
        level=one("level") if one("level") in LEVELS else "",
        task=one("in", LONGEST_PATH),
        before=number("before"),
        around=number("line"),
    )


def log_page(run: Run, query: LogQuery) -> LogPage:
    """Search all lines of a run; show the last LINES hits before the asked place.

    Reads every line when words or a level are asked for, and else counts in the database.
    """
    total = run.events.filter(kind="TaskLogged").count()
    until = _until(run, query)
    if query.words or query.level:
        hits, earlier, later, lines = _searched(matching(run, query), until)
    else:
        found = _lines_of(run, query)
        upto = found.filter(seq__lt=until) if until else found
        newest = upto.order_by("-seq").values_list(*_READ)[:LINES]
        lines = tuple(_line(*each) for each in reversed(newest))
        hits = found.count() if query.task else total
        there = upto.count() if until else hits
        earlier, later = there - len(lines), hits - there
    return LogPage(query=query, lines=lines, hits=hits, total=total, earlier=earlier, later=later)


def matching(run: Run, query: LogQuery) -> Iterator[LogLine]:
    """Give all lines that a query asks for, oldest first, whatever its page."""
    wanted = replace(query, before=0, around=0)
    rows = _lines_of(run, query).order_by("seq").values_list(*_READ)
    return (line for each in rows.iterator(2000) if wanted.takes(line := _line(*each)))


def as_text(lines: Iterable[LogLine]) -> Iterator[str]:
    """Write lines for people."""
    for line in lines:
        yield f"{line.at.isoformat()} {line.level} {line.path}: {line.text}\n"


def as_jsonl(lines: Iterable[LogLine]) -> Iterator[str]:
    """Write lines as one JSON object each."""
    for line in lines:
        said = {"seq": line.seq, "at": line.at.isoformat(), "task": line.path}
        said |= {"level": line.level, "text": line.text}
        yield json.dumps(said, ensure_ascii=False) + "\n"


_READ = ("seq", "at", "path", "payload")


def _lines_of(run: Run, query: LogQuery) -> Any:
    lines = run.events.filter(kind="TaskLogged")
    if not query.task:
        return lines
    inside = Q(path__startswith=f"{query.task}/") | Q(path__startswith=f"{query.task}[")
    return lines.filter(Q(path=query.task) | inside)


def _until(run: Run, query: LogQuery) -> int:
    """Give the number before which the page ends; 0 for the newest lines."""
    if not query.around:
        return query.before
    after = _lines_of(run, query).filter(seq__gte=query.around).order_by("seq")
    later = list(after.values_list("seq", flat=True)[: LINES // 2 + 1])
    return later[-1] if len(later) > LINES // 2 else 0


def _searched(lines: Iterable[LogLine], until: int) -> tuple[int, int, int, tuple[LogLine, ...]]:
    """Give the number of hits, those before and after the page, and the page."""
    kept: deque[LogLine] = deque(maxlen=LINES)
    hits = upto = 0
    for line in lines:
        hits += 1
        if not until or line.seq < until:
            upto += 1
            kept.append(line)
    return hits, upto - len(kept), hits - upto, tuple(kept)


def _line(seq: int, at: datetime, path: str, payload: str) -> LogLine:
    logged = json.loads(payload)
    return LogLine(
        seq=seq,
        at=at,
        path=path,
        level=str(logged.get("level", "INFO")),
        text=plain(str(logged.get("message", ""))),
    )
