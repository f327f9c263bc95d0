"""Changes: what differs between two drafts, thing by thing; to undo, to rebase, to show.

A thing is a task, a dataflow, a port of a graph, a field of a graph, or something on the sheet.
The same differences serve three ends: turned around they undo an act, the things they name tell
whether two acts are about the same, and listed they are the visual diff of two versions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runner.editing.draft import Draft, joined
from runner.editing.rereading import known_in, reread
from runner.editing.sheet import Sheet
from runner.errors import DefinitionError
from runner.graph.definition import DefinedTask, GraphDefinition

#: The lists of a graph, the kind of thing in each, and the fields that tell two apart.
_LISTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "inputs": ("input", ("name",)),
    "outputs": ("output", ("name",)),
    "tasks": ("task", ("id",)),
    "dataflows": ("dataflow", ("from", "to")),
}
_SECTIONS: Mapping[str, str] = {"positions": "position", "notes": "note", "frames": "frame"}
_KEPT_APART = frozenset({"v", "name", *_LISTS})

type Thing = tuple[str, ...]


class StaleEdit(DefinitionError):
    """An act that no longer applies, because what it is about has changed meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing before and after; None stands for its absence.

    `thing` is (kind, level, name…): ("task", "clean", "split"), ("dataflow", "", "a.x", "b.y").
    `at` is the place in its list, before a removal and after an addition.
    """

    thing: Thing
    before: Any = None
    after: Any = None
    at: int | None = None

    @property
    def kind(self) -> str:
        """What sort of thing it is."""
        return self.thing[0]

    @property
    def word(self) -> str:
        """Whether it was added, removed or changed."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"

    def turned(self) -> "Change":
        """Give the change that undoes this one."""
        return Change(thing=self.thing, before=self.after, after=self.before, at=self.at)

    def to_document(self) -> dict[str, Any]:
        """Give the JSON object."""
        document = {"thing": list(self.thing), "before": self.before, "after": self.after}
        return document if self.at is None else document | {"at": self.at}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Change":
        """Read what `to_document` gave."""
        return cls(
            thing=tuple(document["thing"]),
            before=document["before"],
            after=document["after"],
            at=document.get("at"),
        )


def collisions(mine: Iterable[Change], theirs: Iterable[Change]) -> tuple[Change, ...]:
    """Give those of their changes that are about the same things as mine, or inside of them."""
    own = list(mine)
    things = {change.thing for change in own}
    return tuple(
        change
        for change in theirs
        if change.thing in things
        or any(_holds(a, b) for each in own for a, b in _pairs(each, change))
    )


def _pairs(one: Change, other: Change) -> tuple[tuple[Change, Change], tuple[Change, Change]]:
    return (one, other), (other, one)


def _holds(outer: Change, inner: Change) -> bool:
    """Whether a task that comes or goes as a whole has the other thing inside."""
    if outer.kind != "task" or (outer.before is not None and outer.after is not None):
        return False
    path = joined(outer.thing[1], outer.thing[2])
    inside = inner.thing[1]
    if inner.kind == "task":
        inside = joined(inside, inner.thing[2])
    return inside == path or inside.startswith(f"{path}/")


# ── finding them ────────────────────────────────────────────────────────────────────────────────


def differences(before: Draft, after: Draft) -> tuple[Change, ...]:
    """Find all that differs between two drafts, removals first."""
    said: dict[int, dict[str, Any]] = {}
    found = list(
        _in_level(_document(before.definition, said), _document(after.definition, said), "")
    )
    found += _on_sheet(before.sheet.to_document(), after.sheet.to_document())
    return tuple(sorted(found, key=lambda change: change.after is not None))


def _document(graph: GraphDefinition, said: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Give a graph's JSON object; a task that two drafts share is said by one object in both."""
    for task in graph.tasks:
        if id(task) not in said:
            said[id(task)] = _said_of_task(task, said)
    outside = replace(graph, tasks=()).to_document(nested=True)
    tasks = [said[id(task)] for task in graph.tasks]
    return outside | ({"tasks": tasks} if tasks else {})


def _said_of_task(task: DefinedTask, said: dict[int, dict[str, Any]]) -> dict[str, Any]:
    if task.graph is None:
        return task.to_document()
    return replace(task, graph=None).to_document() | {"graph": _document(task.graph, said)}


def _in_level(before: dict[str, Any], after: dict[str, Any], level: str) -> Iterator[Change]:
    for field in sorted((before.keys() | after.keys()) - _KEPT_APART):
        if before.get(field) != after.get(field):
            yield Change(
                thing=("field", level, field), before=before.get(field), after=after.get(field)
            )
    for section in _LISTS:
        yield from _in_list(before.get(section, []), after.get(section, []), section, level)


def _in_list(
    before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]], section: str, level: str
) -> Iterator[Change]:
    if before == after:
        return
    kind = _LISTS[section][0]
    old = {name: (place, each) for place, (name, each) in enumerate(_named(before, section))}
    new = {name: (place, each) for place, (name, each) in enumerate(_named(after, section))}
    for name, (place, each) in old.items():
        if name not in new:
            yield Change(thing=(kind, level, *name), before=each, at=place)
        elif kind == "task":
            yield from _in_task(each, new[name][1], level)
        elif each != new[name][1]:
            yield Change(thing=(kind, level, *name), before=each, after=new[name][1])
    for name, (place, each) in new.items():
        if name not in old:
            yield Change(thing=(kind, level, *name), after=each, at=place)
    if [name for name in old if name in new] != [name for name in new if name in old]:
        # Whole, since the second of two that are alike is only told by where it stands.
        yield Change(
            thing=("order", level, section),
            before=[list(name) for name in old],
            after=[list(name) for name in new],
        )


def _in_task(before: dict[str, Any], after: dict[str, Any], level: str) -> Iterator[Change]:
    if before is after:
        return
    thing = ("task", level, before["id"])
    if before.get("graph") is None or after.get("graph") is None:
        if before != after:
            yield Change(thing=thing, before=before, after=after)
        return
    old = {name: each for name, each in before.items() if name != "graph"}
    new = {name: each for name, each in after.items() if name != "graph"}
    if old != new:
        yield Change(thing=thing, before=old, after=new)
    yield from _in_level(before["graph"], after["graph"], joined(level, before["id"]))


def _on_sheet(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Change]:
    for section, kind in _SECTIONS.items():
        old, new = before.get(section, {}), after.get(section, {})
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                yield Change(thing=(kind, name), before=old.get(name), after=new.get(name))


def _named(
    things: Iterable[dict[str, Any]], section: str
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Name the things of a list; of those that are alike, the second one is number 2."""
    _, fields = _LISTS[section]
    seen: dict[tuple[str, ...], int] = {}
    for each in things:
        name = tuple(each[field] for field in fields)
        seen[name] = number = seen.get(name, 0) + 1
        yield (name if number == 1 else (*name, str(number))), each


# ── applying them ───────────────────────────────────────────────────────────────────────────────


def applied(draft: Draft, changes: Iterable[Change]) -> Draft:
    """Make changes in a draft; raises StaleEdit where something is not as it was before them."""
    document = draft.definition.to_document()
    known = known_in(document, draft.definition, lambda task: task.graph is None)
    sheet = draft.sheet.to_document()
    for change in sorted(changes, key=_turn):
        if change.kind in _SECTIONS.values():
            _apply_on_sheet(sheet, change)
        else:
            _apply_in_level(document, change)
    _check_ends(document, "")
    return Draft(definition=reread(document, known), sheet=Sheet.from_document(sheet)).tidied()


def _turn(change: Change) -> tuple[int, int, int]:
    """Put removals first, the inmost and the last in its list before others, then additions."""
    depth = change.thing[1].count("/") + bool(change.thing[1])
    if change.after is None:
        return 0, -depth, -(change.at or 0)
    if change.before is None:
        return 2, depth, change.at or 0
    return (3 if change.kind == "order" else 1), 0, 0


def _apply_in_level(document: dict[str, Any], change: Change) -> None:
    kind, level, *name = change.thing
    graph = _graph(document, level, change)
    if kind == "field":
        _replace(graph, name[0], change)
    elif kind == "order":
        _reorder(graph, name[0], change)
    else:
        (section,) = [each for each, (known, _) in _LISTS.items() if known == kind]
        _apply_in_list(graph.setdefault(section, []), section, change)


def _apply_in_list(things: list[dict[str, Any]], section: str, change: Change) -> None:
    wanted = change.thing[2:]
    places = [place for place, (name, _) in enumerate(_named(things, section)) if name == wanted]
    if change.before is None:
        if places:
            raise StaleEdit(f"{_said(change)} is there already.")
        things.insert(min(len(things), change.at or 0), change.after)
        return
    if not places:
        raise StaleEdit(f"{_said(change)} is no longer there.")
    (place,) = places
    inside = things[place].get("graph") if "graph" not in change.before else None
    outer = {field: each for field, each in things[place].items() if field != "graph"}
    if (things[place] if inside is None else outer) != change.before:
        raise StaleEdit(f"{_said(change)} has been changed since.")
    if change.after is None:
        if inside is not None:
            raise StaleEdit(f"{_said(change)} has something inside since.")
        del things[place]
    else:
        things[place] = change.after if inside is None else change.after | {"graph": inside}


def _replace(things: dict[str, Any], name: str, change: Change) -> None:
    if things.get(name) != change.before:
        raise StaleEdit(f"{_said(change)} has been changed since.")
    if change.after is None:
        del things[name]
    else:
        things[name] = change.after


def _reorder(graph: dict[str, Any], section: str, change: Change) -> None:
    things = graph.get(section, [])
    wanted = [tuple(name) for name in change.after]
    there = dict(_named(things, section))
    slots = [place for place, name in enumerate(there) if name in wanted]
    known = [there[name] for name in wanted if name in there]
    for place, each in zip(slots, known, strict=True):
        things[place] = each


def _apply_on_sheet(sheet: dict[str, Any], change: Change) -> None:
    (section,) = [each for each, kind in _SECTIONS.items() if kind == change.kind]
    _replace(sheet.setdefault(section, {}), change.thing[1], change)


def _graph(document: dict[str, Any], level: str, change: Change) -> dict[str, Any]:
    found = document
    for task_id in level.split("/") if level else ():
        inner = [each.get("graph") for each in found.get("tasks", []) if each["id"] == task_id]
        if not inner or inner[0] is None:
            raise StaleEdit(f"{_said(change)} stood inside of {level}, which is no longer there.")
        found = inner[0]
    return found


def _check_ends(graph: Mapping[str, Any], level: str) -> None:
    """Refuse dataflows and outputs that hang in the air."""
    known = {each["id"] for each in graph.get("tasks", [])} | {"$inputs"}
    ends = [end for each in graph.get("dataflows", []) for end in (each["from"], each["to"])]
    for end in [*ends, *(each["from"] for each in graph.get("outputs", []))]:
        if end.partition(".")[0] not in known:
            raise StaleEdit(f"Task {joined(level, end.partition('.')[0])} is no longer there.")
    for each in graph.get("tasks", []):
        if each.get("graph"):
            _check_ends(each["graph"], joined(level, each["id"]))


def _said(change: Change) -> str:
    kind, *rest = change.thing
    if kind == "task":
        return f"Task {joined(rest[0], rest[1])}"
    if kind == "dataflow":
        return f"The dataflow from {rest[1]} to {rest[2]}"
    if kind in {"input", "output"}:
        return f"The {kind} {rest[1]}"
    if kind == "position":
        return f"The place of {rest[0]}"
    return f"The {rest[1] if kind == 'field' else kind}"
