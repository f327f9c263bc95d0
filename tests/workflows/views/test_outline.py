"""The outline editor: every act is a form, and what is refused comes back as it was typed."""

import json
import re

import pytest

from workflows.models import WorkflowDraft, WorkflowVersion
from workflows.models.drafting import act, draft_of


class Outline:
    """A person with the outline open, without scripts."""

    def __init__(self, client, workflow):
        self.client = client
        self.url = f"/workflows/{workflow.pk}/outline/"

    def get(self, level="", task="", **more):
        return self.client.get(self.url, {"level": level, "task": task, **more})

    def post(self, level="", task="", **form):
        base = {"base": WorkflowDraft.objects.get().revision}
        return self.client.post(f"{self.url}?level={level}&task={task}", base | form)

    def add(self, kind, place="", level=""):
        return self.post(level=level, form="find", add=kind, place=place)


@pytest.fixture
def outline(client_of, alice, workflow):
    draft_of(workflow)
    return Outline(client_of(alice), workflow)


def drawing():
    return WorkflowDraft.objects.get().drawing


def ids(level=""):
    return [task.id for task in drawing().level(level).tasks]


def flows(level=""):
    return [(each.source, each.target) for each in drawing().level(level).dataflows]


def text_of(answer):
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_list_shows_every_task_with_what_flows_in(outline):
    outline.add("text.split")
    outline.add("demo.python_manual", "before split.topics")
    page = text_of(outline.get())
    assert "topics from Python manual.topics" in page
    assert page.index("Split into passages</a>") < page.index("Python manual</a>")


def test_a_task_that_was_added_is_shown_in_the_panel(outline):
    answer = outline.add("text.split")
    assert answer.status_code == 303
    assert "task=split" in answer.url
    assert 'value="Split into passages"' in text_of(outline.client.get(answer.url))


def test_a_task_can_be_added_after_before_and_within(outline):
    outline.add("demo.python_manual")
    outline.add("text.split", "after python_manual.topics")
    outline.add("flow.wait", "within python_manual.topics split.topics")
    assert flows() == [
        ("python_manual.topics", "wait.value"),
        ("wait.value", "split.topics"),
    ]


def test_finding_offers_what_fits_there(outline):
    outline.add("text.split")
    answer = outline.post(form="find", q="manual", place="before split.topics")
    page = text_of(outline.client.get(answer.url))
    assert 'value="demo.python_manual"' in page
    assert 'name="add" value="text.split"' not in page


def test_what_is_refused_says_why_and_keeps_what_was_typed(outline):
    outline.add("text.split")
    outline.add("text.count_words")
    form = {"title": "Typed", "inputs-way-topics": "from:count_words.count"}
    answer = outline.post(task="split", form="task", **form)
    assert answer.status_code == 422
    page = text_of(answer)
    assert "wants a mapping to texts" in page
    assert 'value="Typed"' in page
    assert flows() == []


def test_tasks_are_put_in_order(outline):
    outline.add("text.split")
    before = ids()
    outline.post(form="list", up="split")
    assert ids() == [*before[:-2], "split", before[-2]]
    outline.post(form="list", down="split")
    assert ids() == before


def test_the_chosen_are_grouped_and_unpacked(outline):
    outline.add("text.split")
    outline.add("demo.python_manual", "before split.topics")
    outline.post(form="list", all="group", paths=["split", "python_manual"], title="Read")
    assert ids("read") == ["split", "python_manual"]
    outline.post(form="list", unpack="read")
    assert "read" not in ids()
    assert ("python_manual.topics", "split.topics") in flows()


def test_the_chosen_are_disabled_enabled_copied_and_removed(outline):
    outline.add("text.split")
    outline.post(form="list", all="disable", paths=["split"])
    assert drawing().task("split").disabled
    outline.post(form="list", all="enable", paths=["split"])
    assert not drawing().task("split").disabled
    outline.post(form="list", all="copy", paths=["split"])
    assert "split_2" in ids()
    outline.post(form="list", all="remove", paths=["split", "split_2"])
    assert not {"split", "split_2"} & set(ids())


def test_a_task_is_taken_out_and_its_ends_joined(outline):
    test_a_task_can_be_added_after_before_and_within(outline)
    outline.post(form="list", bridge="wait")
    assert flows() == [("python_manual.topics", "split.topics")]


def test_acts_are_undone_and_done_again(outline):
    outline.add("text.split")
    outline.post(form="undo")
    assert "split" not in ids()
    outline.post(form="redo")
    assert "split" in ids()


def test_work_goes_on_inside(outline):
    outline.add("flow.graph")
    outline.add("text.split", level="graph")
    outline.post(
        level="graph", form="input", of="", **{"input-name": "topics", "input-type": "any"}
    )
    outline.post(level="graph", task="graph/split", form="task",
                 **{"inputs-way-topics": "from:$inputs.topics"})  # fmt: skip
    assert flows("graph") == [("$inputs.topics", "split.topics")]
    assert "1 level in" in text_of(outline.get())


def test_problems_lead_to_the_field(outline):
    outline.add("text.count_words")
    page = text_of(outline.get())
    assert 'href="?level=&amp;task=count_words#at-inputs-text"' in page
    assert 'id="at-inputs-text"' in text_of(outline.get(task="count_words"))


def test_problems_inside_of_a_compound_lead_to_the_field_there(outline):
    outline.add("flow.graph")
    outline.add("text.count_words", level="graph")
    page = text_of(outline.get())
    assert 'href="?level=graph&amp;task=graph/count_words#at-inputs-text"' in page
    assert 'id="at-inputs-text"' in text_of(outline.get(level="graph", task="graph/count_words"))


def test_publishing_says_why_it_cannot_be_and_makes_a_version(outline, workflow):
    outline.post(form="list", all="remove", paths=["a"])
    outline.add("text.count_words")
    assert "needs its input text" in text_of(outline.post(form="publish"))
    outline.post(task="count_words", form="task", **{"inputs-port-text": "Two words"})
    answer = outline.post(form="publish", note="Reads the manual")
    assert answer.url == f"/workflows/{workflow.pk}/"
    assert WorkflowVersion.objects.get(number=2).note == "Reads the manual"


def test_a_type_that_is_not_installed_keeps_all_it_has(outline):
    """R17."""
    outline.add("text.split")
    row = WorkflowDraft.objects.get()
    row.definition = row.definition.replace('"type":"text.split"', '"type":"acme.ocr"')
    row.save()
    page = text_of(outline.get(task="split"))
    assert "not installed here: acme.ocr" in page
    outline.post(task="split", form="task", title="Scan")
    assert drawing().task("split").type == "acme.ocr"


def test_two_who_change_the_same_do_not_overwrite_each_other(outline, workflow, bob):
    """R5."""
    outline.add("text.split")
    base = WorkflowDraft.objects.get().revision
    act(workflow, bob, base, {"op": "title", "path": "split", "title": "Theirs"})
    url = f"{outline.url}?task=split"
    answer = outline.client.post(url, {"form": "task", "base": base, "title": "Mine"})
    assert "bob has changed the same meanwhile" in text_of(answer)
    assert 'value="Mine"' in text_of(answer)
    assert drawing().task("split").title == "Theirs"


@pytest.mark.parametrize(
    "form",
    [
        {}, {"form": "list"}, {"form": "list", "up": "gone"}, {"form": "list", "bridge": ""},
        {"form": "list", "unpack": "a"}, {"form": "list", "all": "fly", "paths": ["a"]},
        {"form": "list", "all": "group", "paths": ["a", "x/y"]}, {"form": "x" * 999},
        {"form": "list", "all": "remove", "paths": ["\0"]}, {"form": "find", "add": "no.such"},
        {"form": "find", "add": "text.split", "place": "after nowhere.x"},
        {"form": "json", "document": "{"}, {"form": "input", "of": "gone"},
        {"form": "list", "all": "remove", "paths": ["a"], "base": "-5"},
        {"form": "list", "all": "copy", "paths": ["gone"]}, {"form": "list", "down": "x" * 9999},
    ],
)  # fmt: skip
def test_rubbish_is_refused_in_one_sentence_and_changes_nothing(outline, form, workflow):
    answer = outline.post(**form)
    assert answer.status_code in {303, 422}
    assert not workflow.acts.exists()


@pytest.mark.parametrize("query", ["level=gone", "task=gone", "task=a/b/c", "start=-1", "place=x",
                                   "q=" + "x" * 999, "level=%00", "start=99999999999"])  # fmt: skip
def test_addresses_that_lead_nowhere_still_show_the_outline(outline, query):
    assert outline.client.get(f"{outline.url}?{query}", follow=True).status_code == 200


def test_who_may(outline, client, client_of, bob, charlie, workflow):
    assert outline.get().status_code == 200
    assert client_of(bob).get(outline.url).url == f"/workflows/{workflow.pk}/"
    assert client_of(bob).post(outline.url, {"form": "undo"}).status_code == 404
    assert client_of(charlie).get(outline.url).status_code == 404
    assert client_of(charlie).post(outline.url).status_code == 404
    assert client.get(outline.url).status_code == 302


def test_a_large_level_comes_in_pages(outline):
    tasks = [{"id": f"t{n}", "type": "flow.merge"} for n in range(450)]
    row = WorkflowDraft.objects.get()
    row.definition = json.dumps(
        {"v": 1, "name": "large", "tasks": tasks, "inputs": [], "outputs": [], "dataflows": []}
    )
    row.save()
    first, last = text_of(outline.get()), text_of(outline.get(start="400"))
    assert 'name="paths" value="t199"' in first
    assert 'name="paths" value="t200"' not in first
    assert "start=200" in first
    assert 'name="paths" value="t449"' in last
