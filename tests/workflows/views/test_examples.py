"""example-use: where nothing has been drawn yet, examples stand ready to be used."""

import pytest

from workflows.demo_library import load_demos
from workflows.models import Run, Workflow, WorkflowDraft
from workflows.models.drafting import draft_of

USE = "/workflows/examples/ask-the-python-manual/use/"


@pytest.fixture
def empty(client_of, alice, team):
    """An empty workflow of alice's team."""
    client_of(alice).post("/workflows/new/", {"title": "Blank", "team": team.pk})
    return Workflow.objects.get(title="Blank")


@pytest.mark.parametrize("address", ["/", "/workflows/", "/workflows/new/"])
def test_where_nothing_is_drawn_each_example_has_a_tile(client_of, alice, address):
    page = client_of(alice).get(address).content.decode()
    assert page.count('class="card example"') == page.count('class="picture"') == 10
    assert "Finds the passages of Python&#x27;s own help" in page
    assert f'action="{USE}"' in page
    assert "No model and no network" not in page


def test_what_is_shipped_does_not_count_as_drawn_but_what_a_person_drew_does(
    client_of, alice, empty
):
    Workflow.objects.filter(pk=empty.pk).update(created_by=None)
    load_demos()
    assert "Begin with an example" in client_of(alice).get("/").content.decode()
    Workflow.objects.filter(pk=empty.pk).update(created_by=alice)
    assert "Begin with an example" not in client_of(alice).get("/").content.decode()


def test_who_may_not_draw_sees_no_tile(client_of, bob):
    for address in ("/", "/workflows/"):
        assert USE not in client_of(bob).get(address).content.decode()


def test_what_others_drew_does_not_take_the_tiles_away(client_of, charlie, empty):
    assert USE in client_of(charlie).get("/").content.decode()


def test_an_example_becomes_a_draft_of_ones_own_that_can_be_tried_at_once(client_of, alice, team):
    client = client_of(alice)
    answer = client.post(USE)
    mine = Workflow.objects.get()
    assert (answer.status_code, answer.url) == (303, f"/workflows/{mine.pk}/edit/")
    assert (mine.team, mine.created_by, mine.versions.count()) == (team, alice, 0)
    assert "No problems" in client.get(answer.url).content.decode()
    tried = client.post(f"/workflows/{mine.pk}/try/", {"in-port-question": "How to sort?"})
    assert tried.status_code in {302, 303}
    assert Run.objects.get().trial


@pytest.mark.parametrize("page", ["edit", "outline"])
def test_an_empty_canvas_and_an_empty_outline_take_an_example_in_their_place(
    client_of, alice, empty, page
):
    client = client_of(alice)
    shown = client.get(f"/workflows/{empty.pk}/{page}/").content.decode()
    assert f'name="into" value="{empty.pk}"' in shown
    answer = client.post(USE, {"into": str(empty.pk), "page": page})
    assert answer.url == f"/workflows/{empty.pk}/{page}/"
    drawn = WorkflowDraft.objects.get().drawing.definition
    assert (drawn.name, drawn.title, len(drawn.tasks) > 2) == ("blank", "Blank", True)
    client.post(f"/workflows/{empty.pk}/edit/undo/", "{}", content_type="application/json")
    assert WorkflowDraft.objects.get().drawing.definition.tasks == ()


def test_what_is_drawn_already_is_never_replaced(client_of, alice, empty):
    client = client_of(alice)
    client.post(USE, {"into": str(empty.pk)})
    before = WorkflowDraft.objects.get().definition
    answer = client.post(
        "/workflows/examples/verify-this-installation/use/", {"into": str(empty.pk)}, follow=True
    )
    assert "An example can only be put onto an empty canvas." in answer.content.decode()
    assert WorkflowDraft.objects.get().definition == before


def test_an_example_that_is_not_there_makes_nothing(client_of, alice):
    answer = client_of(alice).post("/workflows/examples/gone/use/", follow=True)
    assert "There is no such example any more" in answer.content.decode()
    assert not Workflow.objects.exists()


def test_only_editors_use_examples_and_only_in_their_teams(
    client_of, alice, bob, charlie, client, team, empty
):
    foreign = ({"team": str(team.pk)}, {"into": str(empty.pk)}, {"team": "1"}, {"into": "x"})
    for form in foreign:
        assert client_of(charlie).post(USE, form).status_code == 404
    assert client_of(bob).post(USE).status_code == 404
    assert client.post(USE).status_code == 302
    assert client_of(alice).get(USE).status_code == 405
    assert Workflow.objects.count() == 1


def test_an_example_on_an_empty_canvas_has_a_place_for_everything(client_of, alice, empty):
    client_of(alice).post(USE, {"into": str(empty.pk)})
    drawing = draft_of(empty).drawing
    places = drawing.sheet.positions
    outer = [places[task.id] for task in drawing.definition.tasks]
    assert len({x for x, _ in outer}) > 1
    assert {each for each in places if "/" in each}
    assert all(abs(a - c) >= 208 or abs(b - d) >= 64
               for n, (a, b) in enumerate(outer) for c, d in outer[:n])  # fmt: skip
