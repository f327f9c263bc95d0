"""The editor's panel: all that can be said about one task of a draft, as it is or as it was sent."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.http import QueryDict

from runner.editing.draft import Draft, parted
from runner.errors import Problem, RunnerError
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
    EXPRESSION,
    Given,
    Section,
    ValuesForm,
    expression_in,
    way_of,
)
from workflows.policy_form import PolicyForm
from workflows.sent import Sent
from workflows.sources import Source, ends_of, sources_for
from workflows.strategy_form import StrategyForm

type Act = dict[str, Any]

#: What the JSON view of a task shows, and changes.
SECTIONS = ("title", "disabled", "config", "inputs", "policy")


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
        self.sent = Sent(data)
        self._kind = _kind(self.task, registry)
        self.made = self._checked.tasks.get(self.task.id)
        self._document = self.task.to_document()
        self.ports: dict[Section, Mapping[str, Port]] = {
            "config": self._kind.config_ports() if self._kind else {},
            "inputs": self.made.inputs if self.made else {},
        }
        own = control_fields(self.task, registry) if self._kind else {}
        self.values: dict[Section, ValuesForm] = {
            section: ValuesForm(
                ports,
                self.sent.of("task"),
                self.written(section),
                section,
                own if section == "config" else {},
            )
            for section, ports in self.ports.items()
        }
        self.policy = PolicyForm(
            self._document.get("policy", {}),
            self.sent.of("task") if self.sent.has("policy-attempts") else None,
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
        return self.sent.text("title", self.task.title)

    @property
    def disabled(self) -> bool:
        """Whether a run leaves it out, as it is or as it was sent."""
        sent = self.sent.of("task")
        return "disabled" in sent if sent else self.task.disabled

    @property
    def settings(self) -> list[Given]:
        """Its settings."""
        return [self._given("config", name) for name in self.ports["config"]]

    @property
    def inputs(self) -> list[Given]:
        """Its inputs."""
        return [self._given("inputs", name) for name in self.ports["inputs"]]

    @property
    def outputs(self) -> Mapping[str, Port]:
        """Its output ports."""
        return self.made.outputs if self.made else {}

    @property
    def feeds(self) -> list[Source]:
        """What flows into a task whose ports nobody knows, so that it can be taken away."""
        known = self.ports["inputs"]
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
        known = {name: self._document[name] for name in SECTIONS if name in self._document}
        written = json.dumps(known, indent=2, ensure_ascii=False)
        return self.sent.text("document", written, form="json")

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with it, beside what stands at its fields."""
        shown = self.ports["config"].keys() | self.ports["inputs"].keys()
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
        port = self.ports[section][name]
        several = section == "inputs" and takes_several(port)
        feeds = self.feeds_of(name) if section == "inputs" else []
        value = self.written(section).get(name)
        way = self.sent.text(f"{section}-way-{name}", way_of(value, feeds, several=several))
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
            field=self.values[section].bound(name),
            way=way,
            expression=self.sent.text(f"{section}-expression-{name}", source),
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

    def _named_feeds(self, feeds: list[str]) -> list[Source]:
        words = {
            end: said
            for end, said, _ in ends_of(self._drawing, self.level, self._checked, errors=True)
        }
        return [Source(end=each, words=words.get(each, each)) for each in feeds]

    def written(self, section: Section) -> dict[str, Any]:
        """Give a section as it stands in JSON."""
        return dict(self._document.get(section, {}))

    def feeds_of(self, name: str) -> list[str]:
        """Give the ends that flow into an input."""
        target = f"{self.task.id}.{name}"
        return [each.source for each in self._graph.dataflows if each.target == target]

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
