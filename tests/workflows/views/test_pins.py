"""Pins: an output that stands in for a task in every trial, pinned with and without scripts."""

import json

import pytest

from runner.graph.planning import plan
from runner.graph.registry import default_registry
from runner.graph.values import decode
from runner.run.checkpoint import TaskCheckpoint
from tests.drive import definition_of
from workflows.models import PinnedOutput, Run, Workflow
from workflows.models.drafting import act, draft_of
from workflows.pinning import ALL_LETTERS, RECENT
from workflows.typed_json import MOST_JSON

pytestmark = pytest.mark.django_db

FLOWS = [("$inputs.text", "answer.question"), ("answer.text", "report.text")]
BODY = {
    "inputs": [{"name": "item", "type": "str"}],
    "outputs": [{"name": "text", "from": "say.text"}],
    "tasks": [{"id": "say", "type": "text.answer", "inputs": {"hits": []}}],
    "dataflows": [{"from": "$inputs.item", "to": "say.question"}],
}


@pytest.fixture
def asking(team, alice):
    """A workflow of an answer and a report, with a map beside them."""
    tasks = [
        {"id": "answer", "type": "text.answer", "inputs": {"hits": []}},
        {"id": "report", "type": "text.report", "inputs": {"question": "Who?", "words": 3}},
        {"id": "each", "type": "flow.map", "config": {"over": ["item"]},
         "inputs": {"item": ["a", "b"]}, "graph": BODY},
    ]  # fmt: skip
    made = Workflow.objects.create(team=team, name="asking", title="Asking", created_by=alice)
    made.revise(definition_of(tasks, FLOWS, inputs=[{"name": "text", "type": "str"}]), alice)
    return made


@pytest.fixture
def ran(asking, alice):
    """A function that makes a run which is over, with what tasks gave in it."""

    def gave(**outputs):
        run = Run.objects.start(asking.latest, alice, {"text": "a"})
        for number, (path, text) in enumerate(outputs.items(), start=1):
            kept = TaskCheckpoint(
                path=path.replace("__", "/"), attempt=1, seq=number, outputs={"text": text}
            )
            run.checkpoints.create(
                path=kept.path, attempt=1, seq=number, epoch=1, value=kept.to_json()
            )
            run.task_runs.create(path=kept.path, status="completed")
        Run.objects.filter(pk=run.pk).update(status="completed")
        return run

    return gave


@pytest.fixture
def panel(client_of, alice, asking):
    """A function that sends the form about a task's pin."""

    def send(task, pin="typed", **form):
        address = f"/workflows/{asking.pk}/edit/panel/?path={task}"
        return client_of(alice).post(address, {"form": "pin", "pin": pin, **form})

    return send


def pinned():
    return {each.task: json.loads(each.outputs) for each in PinnedOutput.objects.all()}


def test_the_last_output_is_pinned_shown_and_unpinned(panel, ran):
    """Engine 1.5."""
    ran(answer='"So."')
    answer = panel("answer", "last")
    assert json.loads(answer["HX-Trigger"]) == {"pins-changed": "Pinned what the last run gave"}
    assert "&quot;text&quot;: &quot;So.&quot;" in answer.content.decode()
    assert "Output pinned by alice" in answer.content.decode()
    assert pinned() == {"answer": {"text": "So."}}
    assert "Pin an output" in panel("answer", "no").content.decode()
    assert pinned() == {}


def test_one_key_pins_and_unpins(panel, ran):
    ran(answer='"So."')
    panel("answer", "turn")
    assert pinned() == {"answer": {"text": "So."}}
    panel("answer", "turn")
    assert pinned() == {}


def test_what_a_task_gave_last_is_found_behind_runs_that_left_it_out(panel, ran):
    ran(answer='"old"')
    ran(answer='"new"')
    ran(report='"x"')
    panel("answer", "last")
    assert pinned() == {"answer": {"text": "new"}}


def test_an_output_that_is_too_old_is_not_looked_for(panel, ran):
    ran(answer='"old"')
    for _ in range(RECENT):
        ran()
    assert "No run has an output of answer" in panel("answer", "last").content.decode()


def test_a_compound_is_pinned_by_what_came_out_of_it(panel, ran, asking, alice):
    act(asking, alice, 0, {"op": "group", "ids": ["answer"], "title": "Part"})
    asking.revise(draft_of(asking).definition, alice)
    ran(part__answer='"inside"')
    panel("part", "last")
    assert pinned() == {"part": {"text": "inside"}}


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ("", "This is not valid JSON in line 1."),
        ("[1]", "What is pinned, value by port, is a JSON object: {…}."),
        ('{"text": NaN}', "NaN is no number that JSON has."),
        ("[" * 100_000, "This JSON is nested too deeply."),
        ('{"nothing": 1}', "answer has no output 'nothing'; it has text."),
        ('{"text": 5}', "wants text, not 5."),
        ("{}", "answer needs a value at one port at least"),
        (json.dumps({"text": "x" * MOST_JSON}), "This is longer than the 256 KiB that fit here."),
        ('{"text": {"$what": 1}}', "what"),
    ],
)
def test_what_cannot_be_pinned_gets_one_sentence_and_stays_in_its_field(panel, outputs, said):
    answer = panel("answer", outputs=outputs)
    page = answer.content.decode().replace("&#x27;", "'").replace("&quot;", '"')
    assert (answer.status_code, said in page) == (422, True)
    assert outputs in page
    assert pinned() == {}


def test_a_value_as_large_as_may_be_is_pinned_and_one_more_letter_is_not(panel, ran):
    room = MOST_JSON - len('{"text":""}')
    ran(answer=json.dumps("x" * room))
    panel("answer", "last")
    assert len(pinned()["answer"]["text"]) == room
    ran(report=json.dumps("x"), answer=json.dumps("x" * (room + 1)))
    assert "up to 256 KiB can be pinned" in panel("answer", "last").content.decode()


def test_all_pins_together_have_a_limit_and_those_of_tasks_that_are_gone_do_not_count(
    panel, asking
):
    many = ALL_LETTERS // 1024
    asking.pins.create(task="report", outputs=json.dumps({"report": "x" * 1024 * many}))
    said = "All pins of a draft may have 4 MiB together; unpin one first."
    assert said in panel("answer", outputs='{"text": "a"}').content.decode()
    asking.pins.update(task="gone")
    panel("answer", outputs='{"text": "a"}')
    assert pinned() == {"answer": {"text": "a"}}


def test_inside_of_a_compound_nothing_is_pinned(panel):
    answer = panel("each/say", outputs='{"text": "a"}')
    assert "at the outermost level" in answer.content.decode()
    assert 'id="pin"' not in answer.content.decode()


def test_a_pin_is_no_act_and_no_part_of_what_is_drawn(panel, asking, client_of, alice):
    before = draft_of(asking).revision
    panel("answer", outputs='{"text": "hidden"}')
    assert draft_of(asking).revision == before
    drawn = client_of(alice).get(f"/workflows/{asking.pk}/export/").content.decode()
    assert "hidden" not in drawn


# ── in a trial ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def try_it(client_of, alice, asking):
    def send(**form):
        return client_of(alice).post(f"/workflows/{asking.pk}/try/", form)

    return send


def planned(run):
    definition = draft_of(run.version.workflow).drawing.definition
    return plan(definition, decode(run.inputs), default_registry(), **decode(run.options))


@pytest.mark.parametrize("query", ["", "?only=report", "?until=report"])
def test_what_is_pinned_is_taken_by_itself_and_marked(panel, client_of, alice, asking, query):
    """Engine 1.5."""
    panel("answer", outputs='{"text": "given"}')
    page = client_of(alice).get(f"/workflows/{asking.pk}/try/{query}").content.decode()
    assert 'name="pin" value="answer" checked' in page
    assert '<span class="origin">pinned</span>' in page


def test_a_pin_goes_before_the_last_run_and_can_be_left_out(panel, try_it, ran):
    ran(answer='"of the run"')
    panel("answer", outputs='{"text": "pinned"}')
    try_it(only="report", pin="answer")
    assert decode(Run.objects.get(trial=True).options)["pins"] == {"answer": {"text": "pinned"}}
    try_it(until="report", **{"in-port-text": "Why?"})
    assert "pins" not in decode(Run.objects.filter(trial=True).latest("created_at").options)


def test_the_pinned_task_itself_runs_when_it_is_tried(panel, client_of, alice, asking):
    panel("answer", outputs='{"text": "pinned"}')
    page = client_of(alice).get(f"/workflows/{asking.pk}/try/?only=answer").content.decode()
    assert 'name="pin"' not in page


# ── one item of a map ───────────────────────────────────────────────────────────────────────────


def test_the_panel_of_a_map_leads_to_one_item_and_the_page_asks_which(client_of, alice, asking):
    client = client_of(alice)
    panel = client.get(f"/workflows/{asking.pk}/edit/panel/?path=each").content.decode()
    assert "?only=each&amp;item=1" in panel
    page = client.get(f"/workflows/{asking.pk}/try/?only=each&item=1").content.decode()
    assert 'id="trial-item" name="item" type="number" min="1" value="1"' in page


def test_one_item_runs_and_the_run_is_called_after_it(try_it):
    """Engine 1.5."""
    try_it(only="each", item="2")
    run = Run.objects.get(trial=True)
    assert decode(run.options)["items"] == {"each": 1}
    assert run.label == "only item 2 of each"
    assert planned(run).tasks["each"].task.item == 1


@pytest.mark.parametrize("item", ["0", "-1", "x", "1.5", "9" * 30, "²"])
def test_an_item_that_is_no_number_gets_one_sentence(try_it, item):
    answer = try_it(only="each", item=item)
    said = "Say which item to run by its number: 1 is the first."
    assert (answer.status_code, answer.content.decode().count(said)) == (422, 1)
    assert not Run.objects.exists()


def test_one_item_of_what_is_no_map_gets_one_sentence(try_it):
    answer = try_it(only="answer", item="1", **{"in-port-text": "a"})
    assert "answer is no map" in answer.content.decode()


# ── in the outline, and on the canvas ───────────────────────────────────────────────────────────


def test_the_outline_pins_marks_and_unpins_without_scripts(client_of, alice, asking, ran):
    ran(answer='"So."')
    client, address = client_of(alice), f"/workflows/{asking.pk}/outline/"
    said = client.post(address, {"form": "list", "base": 0, "pin": "answer"}, follow=True)
    page = said.content.decode()
    assert "Pinned what the last run gave." in page
    assert 'aria-label="Unpin answer"' in page
    assert '<b class="pinned">pinned</b>' in page
    client.post(f"{address}?task=answer", {"form": "pin", "pin": "no"})
    assert pinned() == {}


def test_the_outline_keeps_what_was_typed_as_an_output(client_of, alice, asking):
    address = f"/workflows/{asking.pk}/outline/?task=answer"
    answer = client_of(alice).post(address, {"form": "pin", "pin": "typed", "outputs": "half"})
    assert (answer.status_code, "half</textarea>" in answer.content.decode()) == (422, True)


def test_the_canvas_hears_which_tasks_are_pinned(client_of, alice, asking, panel):
    panel("answer", outputs='{"text": "a"}')
    address = f"/workflows/{asking.pk}/edit/last-run/"
    assert client_of(alice).get(address).json() == {"pinned": ["answer"]}
    assert client_of(alice).get(f"{address}?level=each").json() == {"pinned": []}


def test_only_editors_pin(client_of, bob, charlie, asking):
    address = f"/workflows/{asking.pk}/edit/panel/?path=answer"
    for person in (bob, charlie):
        answer = client_of(person).post(address, {"form": "pin", "outputs": '{"text": "a"}'})
        assert answer.status_code == 404
    assert pinned() == {}
