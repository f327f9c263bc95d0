"""Every control task (engine 8.1), drawn from nothing over HTTP, and run: in the panel of the canvas, and in the outline."""

import asyncio
import json
import re
from typing import Any

import pytest

from runner.execution.background import planned
from runner.execution.host import Host
from runner.execution.inline import InlineRun
from runner.execution.memory import MemoryStore
from runner.graph.registry import default_registry
from runner.graph.values import encode
from workflows.models import Workflow, WorkflowDraft
from workflows.models.drafting import publish

SECONDS = 60


class Pen:
    """Somebody who draws: what the canvas sends as JSON, what forms send to `place`."""

    def __init__(self, client, workflow, place):
        self.client = client
        self.workflow = workflow
        self.place = place

    @property
    def base(self):
        return WorkflowDraft.objects.get(workflow=self.workflow).revision

    def act(self, **edit):
        address = f"/workflows/{self.workflow.pk}/edit/do/"
        body = json.dumps({"base": self.base, "edit": edit})
        answer = self.client.post(address, body, "application/json")
        assert answer.status_code == 200, answer.content

    def form(self, path="", level="", form="task", **fields):
        address, task = {
            "panel": (f"/workflows/{self.workflow.pk}/edit/panel/", "path"),
            "outline": (f"/workflows/{self.workflow.pk}/outline/", "task"),
        }[self.place]
        data = {"form": form, "base": self.base, **fields}
        answer = self.client.post(f"{address}?{task}={path}&level={level}", data)
        faults = re.findall(r'class="fault[^>]*>([^<]+)', answer.content.decode())
        assert answer.status_code in {200, 303}, faults
        return answer

    def add(self, kind, level=""):
        if self.place == "panel":
            self.act(op="add", type=kind, level=level)
        else:
            self.form(level=level, form="find", add=kind)

    def inside(self, path, kind, expression):
        """Add a subtask that puts its value in another form."""
        self.form(path, form="strategy", kind=kind)
        definition = WorkflowDraft.objects.get(workflow=self.workflow).drawing.level(path)
        last = definition.tasks[-1].id
        self.form(f"{path}/{last}", path, **{"config-port-expression": expression})

    def gives(self, end, name="result"):
        """Make it an output of the workflow."""
        fields = {"output-name": name, "output-source": end}
        self.form(form="output", of="", **fields)

    def ran(self, answer=None, **inputs):
        """Publish it, run what was published, give its outputs."""
        version = publish(self.workflow, self.client.person, "from nothing")
        pinned = Workflow.objects.pinned(version, self.client.person)
        definition = WorkflowDraft.objects.get(workflow=self.workflow).drawing.definition

        async def run() -> dict[str, Any]:
            store = MemoryStore()
            key = store.submit(definition.to_json(), encode(inputs))
            store.runs[key].workflows = pinned
            stored = store.take(key, owner="inline")
            host = Host(is_watched=lambda _run: True)
            running = InlineRun(planned(stored, default_registry()), store, stored, host)
            async with asyncio.timeout(SECONDS):
                async for event in running.events():
                    if event.kind == "TaskAwaiting" and answer is not None:
                        running.executor.answer("ask", answer, "alice")
                return await running.outputs()

        return asyncio.run(run())


@pytest.fixture(params=["panel", "outline"])
def pen(request, client_of, alice, team, transactional_db):
    """An empty workflow, and a way to draw in it."""
    client = client_of(alice)
    client.person = alice
    client.post("/workflows/new/", {"title": "Blank", "team": team.pk})
    return Pen(client, Workflow.objects.get(title="Blank"), request.param)


def test_a_compound_is_a_series_of_subtasks(pen):
    pen.add("flow.graph")
    pen.inside("graph", "data.transform", "value + 1")
    pen.inside("graph", "data.transform", "value * 10")
    pen.form("graph", **{"inputs-port-value": "2"})
    pen.gives("graph.result")
    assert pen.ran() == {"result": 30}


def test_a_map_goes_over_the_inputs_that_are_ticked(pen):
    pen.add("flow.map")
    pen.inside("map", "data.transform", "value * value")
    pen.form("map", **{"config-port-over": ["item"], "inputs-port-item": "[1, 2, 3]"})
    pen.gives("map.result")
    assert pen.ran() == {"result": [1, 4, 9]}


def test_a_reduce_hands_on_what_it_has_so_far(pen):
    pen.add("flow.reduce")
    pen.inside("reduce", "data.transform", "value + so_far")
    pen.form(
        "reduce/transform", "reduce",
        **{"config-port-expression": "value + so_far", "inputs-way-named": "expression",
           "inputs-expression-named": '{"so_far": so_far}'},
    )  # fmt: skip
    pen.form("reduce", **{"config-port-over": ["item"], "inputs-port-item": "[1, 2, 3]",
                          "inputs-port-so_far": "10"})  # fmt: skip
    pen.gives("reduce.so_far")
    assert pen.ran() == {"result": 16}


def test_a_while_goes_on_as_long_as_its_tests_hold(pen):
    pen.add("flow.while")
    pen.inside("while", "data.transform", "value * 2")
    rows = {"config-port-condition-match": "all"}
    rows |= {f"config-port-condition-0-{name}": text for name, text in
             {"port": "value", "path": "", "is": "<", "value": "100"}.items()}  # fmt: skip
    pen.form("while", **rows)
    pen.form("while", **rows, **{"inputs-port-value": "3"})
    pen.gives("while.value")
    assert pen.ran() == {"result": 192}


def test_a_branch_lets_a_value_go_where_its_tests_hold_and_a_merge_takes_it_up(pen):
    pen.add("flow.branch")
    rows = {"config-port-branches-0-name": "large", "config-port-branches-0-if-match": "all",
            "config-port-branches-0-if-0-port": "", "config-port-branches-0-if-0-path": "size",
            "config-port-branches-0-if-0-is": ">", "config-port-branches-0-if-0-value": "5",
            "config-port-branches-1-name": ""}  # fmt: skip
    pen.form("branch", **rows, **{"config-port-otherwise": "small"})
    kept = WorkflowDraft.objects.get().drawing.task("branch").config
    assert kept["branches"] == [
        {"name": "large", "if": {"port": "value", "path": ["size"], "is": ">", "value": 5}}
    ]
    pen.act(op="expose", end="branch.value", side="input")
    for way in ("large", "small"):
        pen.act(op="add", type="data.transform", source=f"branch.{way}", title=way)
    pen.form("transform", **{"config-port-expression": "'large'"})
    pen.form("transform_2", **{"config-port-expression": "'small'"})
    pen.add("flow.merge")
    for task in ("transform", "transform_2"):
        pen.form("merge", **{"inputs-way-values": f"from:{task}.result"})
    pen.gives("merge.value")
    assert pen.ran(value={"size": 9}) == {"result": "large"}
    assert pen.ran(value={"size": 1}) == {"result": "small"}


def test_a_fallback_tries_its_alternatives_in_order(pen):
    pen.add("flow.fallback")
    pen.inside("fallback", "data.transform", "value['missing']")
    pen.inside("fallback", "data.transform", "value['there']")
    pen.form("fallback", **{"inputs-port-value": '{"there": 7}'})
    pen.gives("fallback.result")
    assert pen.ran() == {"result": 7}


def test_a_race_takes_the_first_that_completes(pen):
    pen.add("flow.first_of")
    pen.inside("first_of", "data.transform", "value + 1")
    pen.inside("first_of", "data.transform", "value + 1")
    pen.form("first_of", **{"inputs-port-value": "1"})
    pen.gives("first_of.result")
    assert pen.ran() == {"result": 2}


def test_a_sub_graph_runs_the_version_that_was_chosen(pen, team, alice):
    used = Workflow.objects.create(team=team, name="double", title="Double")
    for number in (2, 3):
        task = {"id": "t", "type": "data.transform", "config": {"expression": f"{number} * 7"},
                "inputs": {"value": 0}}  # fmt: skip
        used.revise(json.dumps({"v": 1, "tasks": [task], "dataflows": [],
                                "outputs": [{"name": "out", "from": "t.result"}]}), alice)  # fmt: skip
    pen.add("flow.subgraph")
    page = pen.client.get(f"/workflows/{pen.workflow.pk}/outline/?task=subgraph").content.decode()
    assert "Double: the latest version" in page
    pen.form("subgraph", **{"config-port-workflow": "double@1"})
    pen.gives("subgraph.out")
    assert pen.ran() == {"result": 14}
    pen.form("subgraph", **{"config-port-workflow": "double"})
    assert pen.ran() == {"result": 21}


def test_a_wait_waits_for_the_seconds_that_were_typed(pen):
    pen.add("flow.wait")
    pen.form("wait", **{"config-port-seconds": "0.01", "inputs-port-value": '"later"'})
    pen.gives("wait.value")
    assert pen.ran() == {"result": "later"}


def test_an_ask_asks_for_the_fields_that_were_drawn_row_by_row(pen):
    pen.add("flow.ask")
    rows: dict[str, Any] = {"config-port-title": "Which river?", "config-port-kind": "input"}
    for number, (name, kind) in enumerate((("river", "str"), ("length", "int"))):
        key = f"config-port-fields-{number}"
        rows |= {f"{key}-name": name, f"{key}-type": kind, f"{key}-title": name.title()}
    rows |= {"config-port-fields-0-required": "on", "config-port-fields-2-name": ""}
    pen.form("ask", **rows)
    assert WorkflowDraft.objects.get().drawing.task("ask").config["fields"] == [
        {"name": "river", "type": "str", "title": "River"},
        {"name": "length", "type": "int", "title": "Length", "required": False},
    ]
    pen.gives("ask.answer")
    assert pen.ran(answer={"river": "Rhine"}) == {"result": {"river": "Rhine", "length": None}}


def test_an_ask_offers_choices_that_were_typed_one_a_line(pen):
    pen.add("flow.ask")
    key = "config-port-fields-0"
    rows = {f"{key}-name": "river", f"{key}-type": "choice", f"{key}-required": "on",
            f"{key}-choices": "Rhine\r\n\r\n Elbe ", "config-port-kind": "input"}  # fmt: skip
    pen.form("ask", **rows)
    (field,) = WorkflowDraft.objects.get().drawing.task("ask").config["fields"]
    assert field == {"name": "river", "type": "str", "choices": ["Rhine", "Elbe"]}
    pen.gives("ask.answer")
    assert pen.ran(answer={"river": "Elbe"}) == {"result": {"river": "Elbe"}}
