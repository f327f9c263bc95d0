"""Drawings: everything has a place, nothing overlaps, hostile names stay text."""

import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from workflows import arrangement, drawing, layout
from workflows.arrangement import arrangement_of
from workflows.carrying import first_chunk, look_of_dataflow
from workflows.folding import folding_of
from workflows.outline import outline_of, slug_of
from workflows.rows import Row, Streamed

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOSTILE = "\"><img src=x onerror=alert(1)>'&"


def _task(id, **more):
    return {"id": id, "type": "test.number", "title": id} | more


def _definition(tasks, dataflows, outputs=()):
    flows = [{"from": source, "to": target} for source, target in dataflows]
    return json.dumps({"v": 1, "tasks": tasks, "dataflows": flows, "outputs": list(outputs)})


NESTED = _definition(
    [
        _task("a"),
        _task(
            "group",
            type="flow.graph",
            graph={
                "tasks": [_task("x"), _task("y")],
                "dataflows": [
                    {"from": "$inputs.p", "to": "x.value"},
                    {"from": "$inputs.q", "to": "y.value"},
                    {"from": "x.result", "to": "y.other"},
                ],
                "outputs": [{"name": "out", "from": "y.result"}],
            },
        ),
        _task("z"),
    ],
    [("a.result", "group.p"), ("group.out", "z.value")],
)


def _rows(definition, **known):
    return {
        path: Row(path=path, title=place.title, kind=place.kind, number=place.number, **known)
        for path, place in outline_of(definition).places.items()
    }


def _address(path):
    return f"/tasks/{path}/"


def _drawn(definition, rows, **query):
    folding = folding_of(outline_of(definition), query)
    return "".join(drawing.drawing(definition, rows, folding, address=_address, now=NOW))


def _wire(where):
    return next(each.wire for each in arrangement_of(NESTED).curves if where(each.wire))


def test_every_task_has_a_box_and_every_dataflow_a_curve():
    drawn = _drawn(NESTED, _rows(NESTED))

    for path in ["a", "group/x", "group/y", "z"]:
        assert f'id="task-box-{slug_of(path)}"' in drawn
    assert 'id="task-frame-group"' in drawn
    assert drawn.count('class="line"') == 6
    assert " style=" not in drawn


def test_what_is_inside_a_compound_stands_inside_its_frame():
    boxes = arrangement_of(NESTED).boxes
    x, y, width, height = boxes["group"]

    for path in ["group/x", "group/y"]:
        left, top, wide, high = boxes[path]
        assert x < left < left + wide < x + width
        assert y < top < top + high < y + height


def test_the_stylesheet_places_each_box_once():
    css = arrangement.stylesheet(NESTED)

    assert css.count(".at-") == 5
    assert ".drawing{width:" in css


def test_hostile_names_stay_text():
    definition = _definition(
        [_task(HOSTILE, title=HOSTILE), _task("b")], [(f"{HOSTILE}.{HOSTILE}", "b.value")]
    )
    rows = {
        path: Row(path=path, title=HOSTILE, status="failed", problem=HOSTILE, message=HOSTILE)
        for path in outline_of(definition).places
    }
    drawn = _drawn(definition, rows)

    assert "<img" not in drawn
    assert "&lt;img" in drawn


@pytest.mark.parametrize(
    ("status", "chunks", "look", "label"),
    [
        ("pending", 0, "waiting", ""),
        ("running", 0, "waiting", ""),
        ("streaming", 1, "streaming", "1 chunk · 40 B"),
        ("streaming", 37, "streaming", "37 chunks · 40 B"),
        ("completed", 37, "final", "37 chunks · 40 B"),
        ("completed", 0, "final", ""),
        ("failed", 0, "failed", "×"),
        ("upstream-failed", 0, "failed", "×"),
        ("skipped", 0, "skipped", ""),
    ],
)
def test_a_dataflow_looks_as_its_source_stands(status, chunks, look, label):
    wire = _wire(lambda each: each.producer == "a")
    stream = {"result": Streamed(chunks=chunks, size=40)} if chunks else {}
    rows = {"a": Row(path="a", title="A", status=status, streams=stream)}

    assert look_of_dataflow(wire, rows) == (look, label)


def test_a_dataflow_out_of_a_compound_carries_what_the_task_inside_made():
    leaving = _wire(lambda each: each.target == "z")

    assert (leaving.producer, leaving.producer_port) == ("group/y", "result")


def test_a_layout_that_fails_elsewhere_is_done_here(monkeypatch):
    def refuse(*_, **__):
        raise subprocess.TimeoutExpired("layout", 1)

    monkeypatch.setattr(subprocess, "run", refuse)
    other = _definition([_task("one"), _task("two")], [("one.result", "two.value")])

    assert len(arrangement_of(other).boxes) == 3


def test_the_name_of_another_revision_is_nobodys():
    assert arrangement.digest_of(arrangement.drawing_name("abc")) == "abc"
    assert arrangement.digest_of("abc-0") == ""
    assert arrangement.digest_of("abc") == ""


_LEVELS = some.integers(1, 12).flatmap(
    lambda size: some.tuples(
        some.just(size),
        some.lists(
            some.tuples(some.integers(0, size - 1), some.integers(0, size - 1)), max_size=20
        ),
    )
)


@pytest.mark.parametrize("many", [0, 800])
@settings(deadline=None, max_examples=40)
@given(level=_LEVELS)
def test_boxes_of_a_level_never_overlap(many, level):
    size, pairs = level
    names = [f"t{number}" for number in range(size)]
    wires = [[names[min(pair)], "o", names[max(pair)], "i"] for pair in pairs if pair[0] != pair[1]]
    document = {"boxes": [{"path": name} for name in names], "wires": wires}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "MANY", many)
        boxes = [box for path, box in layout.arrange(document)["boxes"].items() if path]

    for number, (x, y, width, height) in enumerate(boxes):
        for left, top, wide, high in boxes[number + 1 :]:
            assert x + width <= left or left + wide <= x or y + height <= top or top + high <= y


def test_an_empty_definition_can_be_drawn():
    empty = _definition([], [])

    assert _drawn(empty, {}).startswith('<div class="drawing"')


def test_a_dataflow_says_how_long_its_first_chunk_took():
    (curve, *_) = arrangement_of(NESTED).curves
    wire = curve.wire
    known = {"started_at": NOW, "first_chunk_at": NOW + timedelta(seconds=0.4)}
    streams = {wire.producer_port: Streamed(chunks=37, size=12_000)}
    rows = _rows(NESTED, status="streaming", streams=streams, **known)

    assert first_chunk(wire, rows) == "first 400 ms"
    assert ">first 400 ms</tspan>" in drawing.dataflow(curve, rows)
    assert ">first 400 ms</tspan>" in drawing.dataflow_news(wire, rows)
