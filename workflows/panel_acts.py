"""The acts that a form about a task means: what was sent with the panel, as acts on the draft."""

from collections.abc import Iterator
from typing import Any

from runner.errors import DefinitionError
from workflows.given_values import (
    CONSTANT,
    EXPOSED,
    EXPRESSION,
    FED,
    Given,
    Section,
    written_expression,
)
from workflows.panel import SECTIONS, Act, TaskPanel
from workflows.typed_json import read_object


def acts_of(panel: TaskPanel) -> list[Act] | None:
    """Give the acts that were asked for; None when a value is not one, which then is marked."""
    if panel.sent.of("json") is not None:
        return _told_as_json(panel)
    if (sent := panel.sent.of("strategy")) is not None:
        return [panel.strategy.act(sent)]
    if flow := panel.sent.text("disconnect", ""):
        source, _, target = flow.partition(" ")
        return [{"op": "disconnect", "level": panel.level, "source": source, "target": target}]
    if name := panel.sent.text("expose", ""):
        return [_exposed(panel, name, "output")]
    forms = [*panel.values.values(), panel.policy]
    if not all(each.is_valid() for each in forms if each.is_bound):
        return None
    return _told(panel)


def _told(panel: TaskPanel) -> list[Act]:
    """Say all about a task at once, between the dataflows that go and those that come."""
    settings, inputs = panel.settings, panel.inputs
    told: Act = {
        "op": "task",
        "path": panel.path,
        "title": panel.title[:200],
        "disabled": panel.disabled,
        "config": _section(panel, "config", settings),
        "inputs": _section(panel, "inputs", inputs),
    }
    if panel.policy.is_bound:
        told["policy"] = panel.policy.document()
    freed = [act for each in inputs for act in _freed(panel, each)]
    return [*freed, told, *(act for each in inputs for act in _joined(panel, each))]


def _section(panel: TaskPanel, section: Section, given: list[Given]) -> dict[str, Any]:
    """Give a section's values; what the form does not show stays."""
    known = panel.written(section)
    constants = panel.values[section].values()
    found = {name: value for name, value in known.items() if name not in panel.ports[section]}
    for each in given:
        if each.way == EXPRESSION:
            if each.expression.strip():
                found[each.name] = written_expression(each.expression.strip())
            elif each.name in known:
                found[each.name] = known[each.name]
        elif each.way in (CONSTANT, FED) and each.name in constants:
            found[each.name] = constants[each.name]
        elif each.field is None and each.way == CONSTANT and each.name in known:
            found[each.name] = known[each.name]
    return found


def _freed(panel: TaskPanel, given: Given) -> Iterator[Act]:
    """Take dataflows away where a value was chosen instead, and given."""
    if given.several or given.way not in (CONSTANT, EXPRESSION, EXPOSED):
        return
    if given.way == EXPRESSION and not given.expression.strip():
        return
    for source in panel.feeds_of(given.name):
        yield _flow(panel, "disconnect", source, given.name)


def _joined(panel: TaskPanel, given: Given) -> Iterator[Act]:
    if given.chosen_end and given.chosen_end not in panel.feeds_of(given.name):
        yield _flow(panel, "connect", given.chosen_end, given.name)
    if given.way == EXPOSED:
        yield _exposed(panel, given.name, "input")


def _exposed(panel: TaskPanel, name: str, side: str) -> Act:
    end = f"{panel.task.id}.{name}"
    return {"op": "expose", "level": panel.level, "end": end, "side": side}


def _flow(panel: TaskPanel, op: str, source: str, name: str) -> Act:
    target = f"{panel.task.id}.{name}"
    return {"op": op, "level": panel.level, "source": source, "target": target}


def _told_as_json(panel: TaskPanel) -> list[Act] | None:
    try:
        told = _read_json(panel.document)
    except DefinitionError as fault:
        panel.json_fault = fault.sentence
        return None
    empty = {"title": "", "disabled": False, "config": {}, "inputs": {}, "policy": {}}
    return [{"op": "task", "path": panel.path, **empty, **told}]


def _read_json(text: str) -> dict[str, Any]:
    """Read the JSON view of a task; raises DefinitionError with one sentence."""
    told = read_object(text, "A task")
    if unknown := told.keys() - set(SECTIONS):
        known = ", ".join(SECTIONS)
        raise DefinitionError(f"'{min(unknown)[:60]}' cannot be changed here; {known} can.")
    return told
