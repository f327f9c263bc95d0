"""What differs between two versions: in words, and as marks on both drawings."""

import json
from xml.etree import ElementTree as ET

from runner.editing.changes import differences
from runner.editing.draft import Draft
from workflows.svg_drawing import svg_file, svg_of
from workflows.version_diff import LINES, version_diff

HOSTILE = "\"><img src=x onerror=alert(1)>'&"


def task(name, kind="test.number", **more):
    return {"id": name, "type": kind, "title": name.title()} | more


def drawn(*tasks, flows=(), **more):
    dataflows = [{"from": source, "to": target} for source, target in flows]
    return json.dumps({"v": 1, "tasks": list(tasks), "dataflows": dataflows} | more)


def found(before, after):
    return version_diff(differences(Draft.from_json(before), Draft.from_json(after)))


OLD = drawn(task("a"), task("b"), task("gone"), flows=[("a.result", "b.value")])
NEW = drawn(task("a"), task("b", inputs={"value": 3}), task("come"))


def test_each_difference_is_named_with_its_word():
    said = [(each.sign, each.title) for each in found(OLD, NEW).lines]
    assert said == [
        ("−", "Task gone"),
        ("−", "Dataflow a.result → b.value"),
        ("~", "Task b"),
        ("+", "Task come"),
    ]


def test_a_changed_task_shows_the_lines_of_its_json_that_differ():
    (line,) = [each for each in found(OLD, NEW).lines if each.title == "Task b"]
    assert '    "value": 3' in [each.text for each in line.text.lines if each.kind == "added"]


def test_each_drawing_is_marked_with_what_stands_in_it():
    both = found(OLD, NEW)
    assert both.before == {"gone": "removed", "b": "changed", "a.result..b.value": "removed"}
    assert both.after == {"come": "added", "b": "changed"}
    assert svg_of(OLD, both.before).count('data-change="removed"') == 2
    assert svg_of(NEW, both.after).count(">+</text>") == 1


def test_what_changes_inside_marks_all_that_is_around_it():
    def nested(name):
        inner = task("in", "flow.map", graph={"tasks": [task(name)]})
        return drawn(task("out", "flow.graph", graph={"tasks": [inner]}))

    marks = found(nested("x"), nested("y")).after
    assert (marks["out"], marks["out/in"]) == ("changed", "changed")


def test_what_was_moved_is_counted_and_not_listed():
    moved = drawn(task("a"), layout={"positions": {"a": [16, 32]}})
    both = found(drawn(task("a")), moved)
    assert (both.lines, both.rearranged) == ((), 1)


def test_more_differences_than_a_page_lists_are_counted():
    for many, hidden in ((LINES, 0), (LINES + 1, 1)):
        both = found(drawn(), drawn(*(task(f"t{number}") for number in range(many))))
        assert (len(both.lines), both.hidden) == (LINES, hidden)


def test_the_file_is_an_svg_of_its_own_and_titles_are_text():
    text = svg_file(drawn(task("a", title=HOSTILE), task("b"), flows=[("a.result", "b.value")]))
    root = ET.fromstring(text)  # noqa: S314 - it was written just above
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "<img" not in text
    assert sum(each.tag.endswith("rect") for each in root.iter()) == 2
