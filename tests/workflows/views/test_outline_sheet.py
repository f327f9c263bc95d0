"""In the outline: places, notes and frames, the clipboard, and choosing, without scripts."""

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.workflows.plain_page import PlainPage, drawn, outline
from workflows.models import DraftAct, Workflow
from workflows.models.drafting import act, draft_of

__all__ = ["drawn", "outline"]
pytestmark = pytest.mark.django_db
TIDY = 'form:has([value="tidy"]) button'


def sheet(workflow):
    return draft_of(workflow).drawing.sheet


@pytest.mark.parametrize(("side", "edge"), [("left", 0), ("top", 1)])
def test_tasks_are_aligned_with_the_first_that_is_chosen(outline, drawn, alice, side, edge):
    spots = {"answer": [16, 32], "report": [320, 160]}
    act(drawn, alice, 2, {"op": "move", "positions": spots})
    outline().press(f'button[name="all"][value="{side}"]', paths=["answer", "report"])
    moved = sheet(drawn).positions["report"]
    assert moved[edge] == spots["answer"][edge]
    assert moved[1 - edge] == spots["report"][1 - edge]


def test_a_level_is_tidied_as_on_the_canvas(outline, drawn):
    outline().press(TIDY)
    assert DraftAct.objects.latest("revision").words == "Tidy up"


def test_what_is_copied_is_pasted_in_another_level_and_another_workflow(
    outline, drawn, team, alice
):
    outline().press('button[name="all"][value="clip"]', paths=["answer", "report"])
    outline("?level=part").press(".pasting button")
    assert [task.id for task in draft_of(drawn).drawing.level("part").tasks] == [
        "say", "answer", "report",
    ]  # fmt: skip
    other = Workflow.objects.create(team=team, name="other", title="Other", created_by=alice)
    PlainPage(outline().client, f"/workflows/{other.pk}/outline/").press(".pasting button")
    assert [task.id for task in draft_of(other).drawing.definition.tasks] == ["answer", "report"]


def test_what_is_cut_is_gone_and_pasted_with_what_led_into_it(outline, drawn):
    outline().press('button[name="all"][value="cut"]', paths=["report"])
    assert "report" not in [task.id for task in draft_of(drawn).drawing.definition.tasks]
    outline().press(".pasting button", links="on")
    flows = [flow.target for flow in draft_of(drawn).drawing.definition.dataflows]
    assert "report.text" in flows


@pytest.mark.parametrize(
    ("which", "chosen"),
    [("all", {"answer", "report", "spare", "part"}), ("after", {"answer", "report"}),
     ("before", {"answer"})],
)  # fmt: skip
def test_more_is_chosen_from_what_is_chosen_and_nothing_changes(outline, drawn, which, chosen):
    answer = outline().press(f'button[name="choose"][value="{which}"]', paths=["answer"])
    tree = LexborHTMLParser(answer.content.decode())
    ticked = {each.attributes["value"] for each in tree.css('input[name="paths"][checked]')}
    assert (answer.status_code, ticked, draft_of(drawn).revision) == (200, chosen, 2)


def test_a_frame_lies_around_what_was_chosen(outline, drawn):
    outline().press(TIDY)
    outline().press('button[name="all"][value="frame"]', paths=["answer"], title="Here")
    x, y = sheet(drawn).positions["answer"]
    frame = sheet(drawn).frames["f2"]
    left, top, width, height = frame.box
    assert frame.title == "Here"
    assert left < x < x + 208 < left + width
    assert top < y < top + height


def test_a_new_note_stands_below_all_tasks(outline, drawn):
    outline().press(TIDY)
    outline().press('form:has([name="note-text"]) button', **{"note-text": "Below"})
    note = sheet(drawn).notes["n2"]
    assert note.text == "Below"
    assert note.box[1] > max(y for _, y in sheet(drawn).positions.values())


@pytest.mark.parametrize(
    ("query", "button", "typed", "said"),
    [
        ("", 'form:has([name="note-text"]) button', {"note-x": "far"}, "a whole number of pixels"),
        ("", 'form:has([name="note-text"]) button', {"note-width": "0"}, "greater than or equal to 1"),
        ("", 'form:has([name="frame-title"]) button', {"frame-y": ""}, "From the top is missing."),
        ("?task=answer", 'form:has([name="place-x"]) button', {"place-x": "1e9"}, "whole number"),
        ("", 'button[value="insert"]', {"paths": ["spare"]}, "Choose the dataflow"),
        ("", 'button[value="insert"]', {"paths": ["spare", "answer"], "flow": "a.b c.d"},
         "Choose one task only."),
        ("", 'button[value="clip"]', {}, "Choose one task or more first."),
        ("", 'button[value="frame"]', {"paths": ["gone"]}, "no task &#x27;gone&#x27;"),
    ],
)  # fmt: skip
def test_what_is_wrong_gets_one_sentence_and_changes_nothing(
    outline, drawn, query, button, typed, said
):
    answer = outline(query).press(button, **typed)
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert draft_of(drawn).revision == 2


def test_too_much_is_not_copied(outline, drawn, alice):
    text = {"path": "report", "section": "inputs", "name": "question", "value": "x" * 600_000}
    act(drawn, alice, 2, {"op": "set", **text})
    answer = outline().press('button[name="all"][value="clip"]', paths=["report"])
    assert "more than the 512 KiB that can be copied" in answer.content.decode()


def test_nothing_is_pasted_before_something_was_copied(outline, drawn):
    answer = outline().client.post(outline().address, {"form": "paste", "base": 2})
    assert "Nothing has been copied yet." in answer.content.decode()
