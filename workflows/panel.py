"""The editor's panel: what can be said about one task of a draft, and the acts that say it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.http import QueryDict

from runner.editing.draft import Draft, parted
from runner.errors import DefinitionError, Problem, RunnerError
from runner.graph.checking import examine, takes_several
from runner.graph.compound import GraphAsTask
from runner.graph.control import Control
from runner.graph.definition import DefinedTask
from runner.graph.needs import Need
from runner.graph.ports import Port
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task
from workflows.control_fields import control_fields
from workflows.given_values import (
    CONSTANT,
    EXPOSED,
    EXPRESSION,
    FED,
    Given,
    Section,
    ValuesForm,
    expression_in,
    way_of,
    written_expression,
)
from workflows.policy_form import PolicyForm
from workflows.sources import Source, ends_of, sources_for
from workflows.strategy_form import StrategyForm
from workflows.typed_json import read_object

type Act = dict[str, Any]

_SECTIONS = ("title", "disabled", "config", "inputs", "policy")


class TaskPanel:
    """All that can be said about one task: title, settings, inputs, policy, or all as JSON.

    With `data` it shows what was sent, as it was sent. Raises DefinitionError when there is no
    such task.
    """

    def __init__(
        self, drawing: Draft, path: str, registry: TaskRegistry, data: QueryDict | None = None
    ) -> None:
        self.path = path
        self.level, _ = parted(path)
        self.task: DefinedTask = drawing.task(path)
        self._drawing = drawing
        self._graph = drawing.level(self.level)
        self._checked = examine(self._graph, registry)
        self._data = data
        self._kind = _kind(self.task, registry)
        self.made = self._checked.tasks.get(self.task.id)
        self._document = self.task.to_document()
        self._ports: dict[Section, Mapping[str, Port]] = {
            "config": self._kind.config_ports() if self._kind else {},
            "inputs": self.made.inputs if self.made else {},
        }
        own = control_fields(self.task, registry) if self._kind else {}
        self._values: dict[Section, ValuesForm] = {
            section: ValuesForm(
                ports,
                self._of("task"),
                self._written(section),
                section,
                own if section == "config" else {},
            )
            for section, ports in self._ports.items()
        }
        self.policy = PolicyForm(
            self._document.get("policy", {}),
            self._of("task") if self._has("policy-attempts") else None,
            (self._kind or Task).policy,
        )
        self.strategy = StrategyForm(path, self.task, registry)
        self.json_fault = ""

    # ── what is shown ───────────────────────────────────────────────────────────────────────────

    @property
    def is_known(self) -> bool:
        """Whether its type is installed."""
        return self._kind is not None

    @property
    def help(self) -> str:
        """What its type says it is for."""
        return self._kind.help if self._kind else ""

    @property
    def title(self) -> str:
        """The title, as it is or as it was sent."""
        return self._sent("title", self.task.title)

    @property
    def disabled(self) -> bool:
        """Whether a run leaves it out, as it is or as it was sent."""
        return "disabled" in self._data if self._data and self._of("task") else self.task.disabled

    @property
    def settings(self) -> list[Given]:
        """Its settings."""
        return [self._given("config", name) for name in self._ports["config"]]

    @property
    def inputs(self) -> list[Given]:
        """Its inputs."""
        return [self._given("inputs", name) for name in self._ports["inputs"]]

    @property
    def outputs(self) -> Mapping[str, Port]:
        """Its output ports."""
        return self.made.outputs if self.made else {}

    @property
    def feeds(self) -> list[Source]:
        """What flows into a task whose ports nobody knows, so that it can be taken away."""
        known = self._ports["inputs"]
        flows = [each for each in self._graph.dataflows if each.target_end[0] == self.task.id]
        return [
            Source(
                end=f"{each.source} {each.target}", words=f"{each.source} → {each.target_end[1]}"
            )
            for each in flows
            if each.target_end[1] not in known
        ]

    @property
    def needs(self) -> tuple[Need, ...]:
        """The credentials that it asks for: a run gives them, by name; nobody types them here."""
        known = self.made or self._kind
        return known.needs if known else ()

    @property
    def document(self) -> str:
        """The task as JSON, as it is or as it was sent."""
        known = {name: self._document[name] for name in _SECTIONS if name in self._document}
        written = json.dumps(known, indent=2, ensure_ascii=False)
        return self._sent("document", written, form="json")

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with it, beside what stands at its fields."""
        shown = self._ports["config"].keys() | self._ports["inputs"].keys()
        return [each for each in self._own_problems() if each.port not in shown]

    @property
    def is_group(self) -> bool:
        """Whether it has an inside to go into."""
        return self.task.graph is not None

    @property
    def policy_is_told(self) -> bool:
        """Whether the policy says something of its own, or is wrong."""
        return bool(self.task.policy) or bool(self.policy.is_bound and self.policy.errors)

    def _own_problems(self) -> Iterator[Problem]:
        for each in self._checked.problems:
            if each.task is not None and each.task.partition("/")[0] == self.task.id:
                yield each

    def _given(self, section: Section, name: str) -> Given:
        port = self._ports[section][name]
        several = section == "inputs" and takes_several(port)
        feeds = self._feeds(name) if section == "inputs" else []
        value = self._written(section).get(name)
        way = self._sent(f"{section}-way-{name}", way_of(value, feeds, several=several))
        source = expression_in(value)
        sources = (
            sources_for(self._drawing, self.level, self._checked, self.task.id, port)
            if section == "inputs"
            else {}
        )
        return Given(
            section=section,
            name=name,
            port=port,
            field=self._values[section].bound(name),
            way=way,
            expression=self._sent(f"{section}-expression-{name}", source),
            computes=self._computes(section, port),
            sources=sources,
            feeds=self._named_feeds(feeds) if several else (),
            several=several,
            faults=[each.sentence for each in self._own_problems() if each.port == name],
        )

    def _computes(self, section: Section, port: Port) -> bool:
        """Whether an expression may stand there."""
        if isinstance(self.made, Control | GraphAsTask) or port.reads_stream:
            return False
        return section == "inputs" or (self._kind or Task).__init__ is Task.__init__

    def _feeds(self, name: str) -> list[str]:
        target = f"{self.task.id}.{name}"
        return [each.source for each in self._graph.dataflows if each.target == target]

    def _named_feeds(self, feeds: list[str]) -> list[Source]:
        words = {
            end: said
            for end, said, _ in ends_of(self._drawing, self.level, self._checked, errors=True)
        }
        return [Source(end=each, words=words.get(each, each)) for each in feeds]

    # ── what is said ────────────────────────────────────────────────────────────────────────────

    def acts(self) -> list[Act] | None:
        """Give the acts that were asked for; None when a value is not one, which then is marked."""
        if self._of("json") is not None:
            return self._told_as_json()
        if (sent := self._of("strategy")) is not None:
            return [self.strategy.act(sent)]
        if flow := self._sent("disconnect", ""):
            source, _, target = flow.partition(" ")
            return [{"op": "disconnect", "level": self.level, "source": source, "target": target}]
        if name := self._sent("expose", ""):
            return [self._exposed(name, "output")]
        if not all(
            each.is_valid() for each in (*self._values.values(), self.policy) if each.is_bound
        ):
            return None
        inputs = [self._given("inputs", name) for name in self._ports["inputs"]]
        told = {
            "op": "task",
            "path": self.path,
            "title": self.title[:200],
            "disabled": self.disabled,
            "config": self._told("config", self.settings),
            "inputs": self._told("inputs", inputs),
        }
        if self.policy.is_bound:
            told["policy"] = self.policy.document()
        freed = [act for each in inputs for act in self._freed(each)]
        return [*freed, told, *(act for each in inputs for act in self._joined(each))]

    def _told(self, section: Section, given: list[Given]) -> dict[str, Any]:
        """Give a section's values; what the form does not show stays."""
        known = self._written(section)
        constants = self._values[section].values()
        found = {name: value for name, value in known.items() if name not in self._ports[section]}
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

    def _freed(self, given: Given) -> Iterator[Act]:
        """Take dataflows away where a value was chosen instead, and given."""
        if given.several or given.way not in (CONSTANT, EXPRESSION, EXPOSED):
            return
        if given.way == EXPRESSION and not given.expression.strip():
            return
        for source in self._feeds(given.name):
            yield self._flow("disconnect", source, given.name)

    def _joined(self, given: Given) -> Iterator[Act]:
        if given.chosen_end and given.chosen_end not in self._feeds(given.name):
            yield self._flow("connect", given.chosen_end, given.name)
        if given.way == EXPOSED:
            yield self._exposed(given.name, "input")

    def _exposed(self, name: str, side: str) -> Act:
        end = f"{self.task.id}.{name}"
        return {"op": "expose", "level": self.level, "end": end, "side": side}

    def _flow(self, op: str, source: str, name: str) -> Act:
        target = f"{self.task.id}.{name}"
        return {"op": op, "level": self.level, "source": source, "target": target}

    def _told_as_json(self) -> list[Act] | None:
        try:
            told = _read_json(self.document)
        except DefinitionError as fault:
            self.json_fault = fault.sentence
            return None
        empty = {"title": "", "disabled": False, "config": {}, "inputs": {}, "policy": {}}
        return [{"op": "task", "path": self.path, **empty, **told}]

    # ── what was sent ───────────────────────────────────────────────────────────────────────────

    def _of(self, form: str) -> QueryDict | None:
        """Give what was sent with one of the forms of the panel."""
        if self._data is None or self._data.get("form", "task") != form:
            return None
        return self._data

    def _has(self, name: str) -> bool:
        return self._data is not None and name in self._data

    def _sent(self, name: str, otherwise: str, form: str = "task") -> str:
        sent = self._of(form)
        return otherwise if sent is None else str(sent.get(name, otherwise)).replace("\r\n", "\n")

    def _written(self, section: Section) -> dict[str, Any]:
        return dict(self._document.get(section, {}))

    @property
    def waits_for_expression(self) -> bool:
        """Whether an expression was chosen and none was typed yet: then the page keeps asking."""
        return any(
            each.way == EXPRESSION and not each.expression.strip()
            for each in (*self.settings, *self.inputs)
        )


def _kind(task: DefinedTask, registry: TaskRegistry) -> type[Task] | None:
    """Find the task's type; None when it is not installed."""
    try:
        return registry.get(task.type)
    except RunnerError:
        return None


def _read_json(text: str) -> dict[str, Any]:
    """Read the JSON view of a task; raises DefinitionError with one sentence."""
    told = read_object(text, "A task")
    if unknown := told.keys() - set(_SECTIONS):
        known = ", ".join(_SECTIONS)
        raise DefinitionError(f"'{min(unknown)[:60]}' cannot be changed here; {known} can.")
    return told
