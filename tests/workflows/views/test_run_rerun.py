"""Running a run again: every cell of the matrix, on the page and in a terminal."""

import json

import pytest
from django.core.management import call_command

from runner.graph.values import decode
from runner.run.checkpoint import SavedState, TaskCheckpoint
from tests.drive import definition_of
from workflows.models import Run, Workflow

pytestmark = pytest.mark.django_db

FLOWS = [("$inputs.text", "answer.question"), ("answer.text", "report.text")]
INPUTS = [
    {"name": "text", "type": "str"},
    {"name": "note", "type": "str", "required": False},
    {"name": "loud", "type": "bool", "default": False},
]


def drawn(words=3, inputs=INPUTS):
    """Answer a question and report; `other` stands by itself."""
    tasks = [
        {"id": "answer", "type": "text.answer", "inputs": {"hits": []}},
        {"id": "report", "type": "text.report", "inputs": {"question": "Who?", "words": words}},
        {"id": "other", "type": "text.keywords", "inputs": {"question": "Why?"}},
    ]
    return definition_of(tasks, FLOWS, inputs=inputs)


@pytest.fixture
def asking(team, alice):
    """A workflow whose second version changes the report."""
    made = Workflow.objects.create(team=team, name="asking", created_by=alice)
    made.revise(drawn(), alice)
    return made


@pytest.fixture
def failed(asking, alice):
    """A run of the first version that failed at its second task."""
    run = Run.objects.start(asking.latest, alice, {"text": "a b", "note": "n"})
    for path, status in [("answer", "completed"), ("report", "failed"), ("other", "cached")]:
        run.task_runs.create(path=path, status=status)
    Run.objects.filter(pk=run.pk).update(status="failed", total=3, done=2)
    asking.revise(drawn(words=9), alice)
    return Run.objects.get(pk=run.pk)


@pytest.fixture
def send(client_of, alice, failed):
    """Send the form of the rerun."""

    def post(cell, *, person=alice, query="", headers=None, **fields):
        sent = {"cell": cell, "task": "answer", "shown": "text note loud"}
        sent |= {"port-text": "a b", "port-note": "n"} | fields
        given = {f"in-{name}": value for name, value in sent.items()}
        return client_of(person).post(f"/runs/{failed.pk}/rerun/{query}", given, headers=headers)

    return post


#: Mode and version -> whether it is a new run, what it keeps.
MATRIX = {
    "resume-same": (False, None),
    "resume-latest": (True, ["answer", "other"]),
    "failed-same": (False, None),
    "failed-latest": (True, ["answer", "other"]),
    "task-same": (True, ["other"]),
    "task-latest": (True, ["other"]),
    "start-same": (True, []),
    "start-latest": (True, []),
}


@pytest.mark.parametrize(("cell", "is_new", "kept"), [(k, *v) for k, v in MATRIX.items()])
def test_each_cell_of_the_matrix_does_what_it_says(send, failed, cell, is_new, kept):
    """Engine 7.6. R4."""
    answer = send(cell)
    made = failed.reruns.first()

    assert answer.status_code == 303
    assert answer["Location"] == f"/runs/{(made or failed).pk}/"
    if is_new:
        assert json.loads(made.kept) == kept
        assert made.version.number == (2 if "latest" in cell else 1)
        assert decode(made.inputs) == {"text": "a b", "note": "n"}
    else:
        assert (made, failed.requests.get().kind) == (None, "resume")


@pytest.mark.parametrize("cell", MATRIX)
def test_page_and_terminal_say_and_do_the_same(client_of, alice, send, failed, capsys, cell):
    """R13."""
    mode, _, version = cell.partition("-")
    more = ["--task", "answer", *(["--latest"] if version == "latest" else [])]
    page = client_of(alice).get(
        f"/runs/{failed.pk}/rerun/?from={mode}&version={version}&task=answer"
    )
    call_command("rerun", str(failed.pk), "--from", mode, *more, person="alice")
    said = capsys.readouterr().out.splitlines()[0]
    by_terminal = list(failed.reruns.values_list("kept", "version", "inputs"))
    failed.reruns.all().delete()
    send(cell)

    assert page.context["cell"].sentence == said
    assert list(failed.reruns.values_list("kept", "version", "inputs")) == by_terminal


@pytest.mark.parametrize("cell", MATRIX)
def test_with_another_input_each_cell_is_a_new_run(send, failed, cell):
    """Engine 7.6."""
    assert send(cell, **{"port-text": "c"}).status_code == 303
    made = failed.reruns.get()
    assert decode(made.inputs) == {"text": "c", "note": "n"}
    assert "answer" not in json.loads(made.kept)


def test_an_input_that_is_emptied_is_left_out(send, failed):
    send("failed-same", **{"port-note": ""})
    assert decode(failed.reruns.get().inputs) == {"text": "a b"}


def test_the_form_sent_as_it_came_changes_no_input(client_of, alice, failed):
    text = "one\r\ntwo\n\nthree "
    Run.objects.filter(pk=failed.pk).update(inputs=json.dumps({"text": text}))
    client = client_of(alice)
    form = client.get(f"/runs/{failed.pk}/rerun/").context["form"]
    assert str(form["port-text"]).startswith("<textarea")
    sent = {each.html_name: each.value() for each in form if each.value() not in {None, False}}
    client.post(f"/runs/{failed.pk}/rerun/", sent | {"in-cell": "start-same"})

    assert decode(failed.reruns.get().inputs) == {"text": text}


def test_sending_it_twice_makes_one_run(send, failed):
    first, second = send("start-same", key="once"), send("start-same", key="once")
    assert first["Location"] == second["Location"]
    assert failed.reruns.count() == 1


@pytest.mark.parametrize(("status", "said"), [("completed", "nothing left to do"), ("running", "goes on already")])  # fmt: skip
def test_what_cannot_be_had_says_why(client_of, alice, send, failed, status, said):
    Run.objects.filter(pk=failed.pk).update(status=status)
    page = client_of(alice).get(f"/runs/{failed.pk}/rerun/").content.decode()

    assert page.count(said) == 2
    assert 'value="start-same" checked' in page
    refused = send("resume-same")
    assert (refused.status_code, said in refused.content.decode()) == (422, True)
    assert not failed.requests.exists()


def test_a_version_that_is_the_latest_is_offered_once(client_of, alice, asking, failed):
    run = Run.objects.start(asking.latest, alice, {"text": "a"})
    page = client_of(alice).get(f"/runs/{run.pk}/rerun/").content.decode()
    assert page.count("This run&#x27;s version is the latest.") == 4


def test_a_version_that_makes_no_plan_says_so_in_its_cells(client_of, alice, asking, failed):
    asking.revise(drawn(inputs=[{"name": "words", "type": "int"}]).replace("$inputs.text", "$inputs.words"), alice)  # fmt: skip
    answer = client_of(alice).get(f"/runs/{failed.pk}/rerun/")
    latest = [row["cells"][1]["refusal"] for row in answer.context["rows"]]
    assert all(latest)
    assert answer.status_code == 200


def test_the_preview_names_the_stream_that_goes_on(client_of, alice, failed):
    """Engine 7.4, 7.6."""
    saved = SavedState(attempt=1, value="1", outputs={"text": 212})
    kept = TaskCheckpoint(path="report", attempt=1, seq=3, done=False, saved=saved)
    failed.checkpoints.create(path="report", attempt=1, seq=3, epoch=1, value=kept.to_json())
    page = client_of(alice).get(f"/runs/{failed.pk}/rerun/")
    said = "The run goes on: it runs report; 2 tasks are kept. report goes on with stream text at chunk 212."
    assert page.context["cell"].sentence == said


def test_a_preview_asks_for_nothing_and_htmx_gets_the_form(send, failed, hx):
    page = send("task-latest", query="?preview=yes", headers=hx).content.decode()
    assert "A new run runs answer, report; 1 task is kept." in page
    assert "<html" not in page
    assert "<html" in send("task-latest", query="?preview=yes").content.decode()
    assert not failed.reruns.exists()


def test_the_other_versions_inputs_begin_with_their_defaults(send, asking, failed, alice):
    more = [*INPUTS, {"name": "count", "type": "int", "default": 7}]
    asking.revise(drawn(words=9, inputs=more), alice)
    shown = send("start-latest", query="?preview=yes", **{"port-text": "c"})
    form = shown.context["form"]
    assert (form["port-count"].value(), form["port-text"].value()) == (7, "c")


def test_a_preview_leaves_the_inputs_alone_unless_they_are_others(send, asking, failed, alice, hx):
    same = send("start-latest", query="?preview=yes", headers=hx).content.decode()
    asking.revise(drawn(words=9, inputs=[*INPUTS, {"name": "count", "type": "int"}]), alice)
    other = send("start-latest", query="?preview=yes", headers=hx).content.decode()
    assert "rerun-inputs" not in same
    assert 'id="rerun-inputs" hx-swap-oob="true"' in other


def test_a_preview_says_which_input_is_faulty(send, hx):
    sent = {"port-text": "", "query": "?preview=yes", "headers": hx}
    page = send("start-same", **sent).content.decode()
    assert "text is missing." in page
    assert "A new run runs" not in page


def test_a_faulty_input_is_named_and_nothing_starts(send, failed):
    answer = send("start-same", **{"port-text": ""})
    assert answer.status_code == 422
    assert "text is missing." in answer.content.decode()
    assert not failed.reruns.exists()


def test_run_and_rerun_name_each_other(client_of, alice, send, failed):
    send("task-same")
    made, client = failed.reruns.get(), client_of(alice)
    assert f"/runs/{failed.pk}/" in client.get(f"/runs/{made.pk}/").content.decode()
    assert f"/runs/{made.pk}/" in client.get(f"/runs/{failed.pk}/").content.decode()


def test_a_removed_workflow_does_not_run_again(client_of, alice, asking, failed):
    Workflow.objects.filter(pk=asking.pk).update(removed_at=failed.created_at)
    answer = client_of(alice).get(f"/runs/{failed.pk}/rerun/?from=start")
    assert "was removed" in answer.context["cell"].sentence


@pytest.mark.parametrize("person", ["bob", "charlie"])
def test_running_again_needs_the_right_to_run(client_of, request, failed, send, person):
    someone = request.getfixturevalue(person)
    assert client_of(someone).get(f"/runs/{failed.pk}/rerun/").status_code == 404
    assert send("start-same", person=someone).status_code == 404


def test_who_is_not_signed_in_is_asked_to(client, failed):
    assert client.get(f"/runs/{failed.pk}/rerun/").status_code == 302
