"""Controls on pages: what they unfolded into, what they chose, and what is inside of them."""

import json

import pytest

from workflows.carrying import look_of_dataflow
from workflows.drawing import drawing
from workflows.folding import folding_of
from workflows.frames import news_since
from workflows.inside import item_page
from workflows.inspection import inspect
from workflows.inspector_tabs import Wanted
from workflows.models import Run, Workflow
from workflows.outline import outline_for, outline_of
from workflows.ports import output_port, streaming_ports
from workflows.reading import first_problem, rows_of
from workflows.rows import Row, shape_of
from workflows.standing import sentence_of
from workflows.wires import wires_of

pytestmark = pytest.mark.django_db


def drawn(*tasks, flows=()):
    """Give a definition's JSON document."""
    dataflows = [{"from": source, "to": target} for source, target in flows]
    return {"v": 1, "tasks": list(tasks), "dataflows": dataflows}


def control(name, kind, *inner, flows=(), **more):
    return {"id": name, "type": f"flow.{kind}", "graph": drawn(*inner, flows=flows)} | more


def inspected(run, path, tab=""):
    """Give what the page of a task shows; there must be such a task."""
    found = inspect(run, path, Wanted(tab=tab))
    assert found is not None
    return found


def plain(name):
    return {"id": name, "type": "test.number", "title": name.upper()}


INNER_MAP = control("w", "map", plain("x"))
USED = drawn(plain("first"), control("each", "map", plain("x")), flows=[("first.n", "each.n")])
DEFINITION = drawn(
    {"id": "choose", "type": "flow.branch"},
    control("loop", "while", plain("x"), plain("y"), flows=[("x.n", "y.n"), ("$inputs.n", "x.n")]),
    control("m", "map", plain("x"), INNER_MAP),
    control("fb", "fallback", plain("quick"), plain("slow")),
    control("race", "first_of", plain("red"), plain("blue")),
    {"id": "sub", "type": "flow.subgraph", "config": {"workflow": "used"}},
    plain("risky"),
    plain("end"),
    flows=[
        ("choose.yes", "loop.n"),
        ("choose.no", "m.n"),
        ("risky.[error]", "end.a"),
        ("risky.n", "sub.n"),
    ],
)


@pytest.fixture
def begun(team, alice):
    """Give what begins a run of the definition with these (path, status, fields) of its tasks."""

    def begin(*tasks):
        workflow = Workflow.objects.create(team=team, name="controls", created_by=alice)
        version = workflow.revise(json.dumps(DEFINITION), alice)
        run = Run.objects.start(version, alice, {}, workflows={"used": json.dumps(USED)})
        Run.objects.filter(pk=run.pk).update(status="running", total=9)
        for path, status, *more in tasks:
            run.task_runs.create(path=path, status=status, **(more[0] if more else {}))
        return Run.objects.get(pk=run.pk)

    return begin


def place_of(path):
    return outline_of(json.dumps(DEFINITION)).places[path]


@pytest.mark.parametrize(
    ("path", "width", "decision", "shape"),
    [
        ("m", 3, 3, "×3"),
        ("m", 0, 0, "×0"),
        ("m", None, None, ""),
        ("loop", 1, True, "1 turn"),
        ("loop", 4, True, "4 turns"),
        ("choose", None, ["yes", "no"], "→ yes, no"),
        ("choose", None, [], "→ none"),
        ("choose", None, None, ""),
        ("fb", 0, 0, ""),
        ("fb", 2, 1, "alternative 2"),
        ("race", 2, 2, ""),
        ("race", 2, 1, "won by BLUE"),
        ("sub", 0, 0, ""),
        ("end", None, None, ""),
    ],
)
def test_a_control_says_what_it_became(path, width, decision, shape):
    """Engine 1.4."""
    assert shape_of(place_of(path), width, decision) == shape


def test_a_loop_counts_the_tasks_of_its_turns(begun):
    run = begun(
        ("loop", "running", {"width": 2, "decision": "true"}),
        ("loop[0]/x", "completed"),
        ("loop[0]/y", "completed"),
        ("loop[1]/x", "streaming"),
    )
    row = rows_of(run)["loop"]
    assert (row.shape, row.done, row.total, row.status) == ("2 turns", 2, 4, "running")
    assert [each.title for each in item_page(run, "loop", 1)[0]] == ["0 · X", "0 · Y", "1 · X"]


def test_a_map_within_a_map_stands_for_what_is_inside_of_it(begun):
    run = begun(
        ("m", "running", {"width": 1}),
        ("m[0]/x", "completed"),
        ("m[0]/w", "running", {"width": 2}),
        ("m[0]/w[0]/x", "completed"),
        ("m[0]/w[1]/x", "failed"),
    )
    row = rows_of(run)["m"]
    assert (row.done, row.total) == (1, 2)
    inner = inspected(run, "m[0]/w").row
    assert (inner.shape, inner.done, inner.total) == ("×2", 1, 2)
    items, count = item_page(run, "m[0]/w", 1)
    assert ([each.path for each in items], count) == (["m[0]/w[1]/x", "m[0]/w[0]/x"], 2)
    assert [title for _, title in inspected(run, "m[0]/w[1]/x").crumbs] == ["m", "w"]


def test_a_task_in_a_turn_says_where_its_input_is_from(begun):
    run = begun(
        ("loop", "running", {"width": 4}), ("loop[3]/x", "running"), ("loop[3]/y", "running")
    )
    (given,) = inspected(run, "loop[3]/y", tab="input").panel["inputs"]
    assert (given.path, given.source_port) == ("loop[3]/x", "n")
    (given,) = inspected(run, "loop[3]/x", tab="input").panel["inputs"]
    assert (given.item, given.path) == ("item 3 of n", "loop")


def test_a_workflow_within_shows_what_it_was_pinned_to(begun):
    """Engine 6.8."""
    run = begun(
        ("sub", "running"),
        ("sub/first", "completed"),
        ("sub/each", "running", {"width": 1}),
        ("sub/each[0]/x", "failed", {"error": '{"message": "no"}'}),
    )
    row = rows_of(run)["sub"]
    assert (row.kind, row.done, row.total) == ("workflow", 1, 2)
    assert [each.title for each in item_page(run, "sub", 1)[0]] == ["FIRST", "each"]
    assert inspected(run, "sub/each[0]/x").row.problem == "no"
    assert inspected(run, "sub/each").row.shape == "×1"


def test_a_workflow_that_contains_itself_is_read_to_a_depth():
    itself = {"id": "again", "type": "flow.subgraph", "config": {"workflow": "it"}}
    text = json.dumps(drawn(itself))
    outline = outline_of(text, json.dumps({"it": text}))
    assert outline.place_of("again/again/again") is not None
    assert outline.place_of("/".join(["again"] * 9)) is None


def test_alternatives_that_were_not_needed_are_left_out(begun):
    """Engine 5.3."""
    run = begun(("fb", "completed", {"width": 0}), ("fb/quick", "completed"))
    rows = rows_of(run)
    assert (rows["fb/slow"].status, rows["fb/slow"].words) == ("skipped", "it was not needed")
    assert rows["fb"].measure == "1/1"


def test_a_dataflow_of_a_branch_not_taken_looks_so(begun):
    run = begun(("choose", "completed", {"decision": '["yes"]'}))
    rows = rows_of(run)
    looks = {
        wire.producer_port: look_of_dataflow(wire, rows)[0]
        for wire in wires_of(run.version.definition)
    }
    assert (looks["yes"], looks["no"]) == ("final", "skipped")


@pytest.mark.parametrize("status", ["failed", "interrupted", "awaiting"])
@pytest.mark.parametrize("around", ["running", ""])
def test_what_is_wrong_deep_inside_is_found_at_the_top(begun, status, around):
    """R9."""
    run = begun(
        ("risky", "completed"),
        ("m", around or status, {"width": 2}),
        ("m[0]/w", "completed", {"width": 1}),
        ("m[1]/w", around or status, {"width": 2}),
        ("m[1]/w[0]/x", "completed"),
        ("m[1]/w[1]/x", status),
    )
    found = first_problem(run, rows_of(run), outline_for(run))
    assert found is not None
    assert (found.path, found.title, found.status) == ("m[1]/w[1]/x", "X", status)


def test_a_handled_error_inside_of_an_item_is_no_problem(begun):
    """Engine 3.3. R9."""
    run = begun(("m", "running", {"width": 1}), ("m[0]/x", "failed", {"reason": "handled"}))
    assert first_problem(run, rows_of(run), outline_for(run)) is None


def test_a_handled_error_is_no_problem(begun):
    """Engine 3.3."""
    error = {"error": '{"message": "no luck"}', "reason": "handled"}
    run = begun(("risky", "failed", error))
    rows = rows_of(run)
    looks = {
        wire.producer_port: look_of_dataflow(wire, rows)
        for wire in wires_of(run.version.definition)
        if wire.producer == "risky"
    }
    assert first_problem(run, rows, outline_for(run)) is None
    assert looks == {"[error]": ("final", "error"), "n": ("skipped", "")}
    assert sentence_of(rows["risky"]) == "It failed. Another task deals with its error."


def test_a_frame_tells_of_what_is_inside_of_a_workflow(begun):
    run = begun(("sub", "running"), ("sub/first", "running"))
    run.events.create(seq=1, at=run.created_at, kind="TaskStarted", path="sub/first", payload="{}")
    Run.objects.filter(pk=run.pk).update(seq=1)
    (frame,) = news_since(str(run.pk), 0, views=["items"]).frames["items"]
    assert "task-row-sub--first" in frame.text
    assert 'id=\\"task-row-sub\\"' in frame.text


def test_a_drawing_shows_controls_as_frames_and_stacks(begun):
    run = begun()
    rows = rows_of(run)
    folding = folding_of(outline_for(run), {})
    parts = drawing(run.version.definition, rows, folding, address=str, now=run.created_at)
    text = "".join(parts)
    assert text.count('class="frame ') == 2
    assert text.count(" stacked") == 3
    assert "task-box-fb--quick" in text


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        (
            {"status": "awaiting", "reason": "approval"},
            "It waits for an approval. It holds no place meanwhile.",
        ),
        (
            {"status": "queued", "reason": "its group has 2 tasks"},
            "It can start, and waits for a free place: its group has 2 tasks.",
        ),
        ({"status": "queued"}, "It can start, and waits for a free place."),
        ({"status": "skipped", "reason": "branch no"}, "It was left out: branch no."),
        (
            {"status": "cached", "reason": "cache"},
            "It did not need to run: its result is from the cache.",
        ),
        (
            {"status": "cancelled", "stuck": True},
            "It was cancelled. It ignores that it was stopped, and was abandoned.",
        ),
    ],
)
def test_a_task_says_why_it_stands_where_it_stands(known, sentence):
    assert sentence_of(Row(path="a", title="A", **known)) == sentence


def test_what_a_control_streams_is_read_as_it_is_declared(begun):
    """A map's stream is a list of its items' values, and not one text."""
    inner = {"id": "x", "type": "text.keywords"}
    config = {"over": ["q"], "stream": True}
    over = control("each", "map", inner, flows=[("$inputs.q", "x.question")], config=config)
    over["graph"]["inputs"] = [{"name": "q", "type": "str"}]
    over["graph"]["outputs"] = [{"name": "all", "from": "x.keywords"}]
    place = outline_of(json.dumps(drawn(over))).places["each"]
    port = output_port(place, "all")
    assert port is not None
    assert port.type == list[list[str]]
    assert streaming_ports(place) == []
    assert output_port(outline_for(begun()).places["sub"], "n") is None
