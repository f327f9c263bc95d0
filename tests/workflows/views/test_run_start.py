"""The start form and what it starts."""

import json

import pytest

from runner.graph.values import decode
from workflows.large_values import inputs_whole
from workflows.models import Run

GOOD = {"port-question": "Why?", "port-count": "5"}


@pytest.fixture
def post(client_of, alice, rich_workflow):
    """Send the start form."""

    def send(person=alice, **fields):
        headers = fields.pop("headers", {})
        given = {f"in-{name}": value for name, value in (GOOD | fields).items()}
        address = f"/workflows/{rich_workflow.pk}/run/"
        return client_of(person).post(address, given, headers=headers)

    return send


def test_a_run_starts_and_the_browser_goes_to_it(post):
    answer = post()
    run = Run.objects.get()

    assert answer.status_code == 303
    assert answer["Location"] == f"/runs/{run.pk}/"
    assert json.loads(run.inputs) == {"question": "Why?", "count": 5}


def test_htmx_is_told_where_to_go(post, hx):
    answer = post(headers=hx)

    assert answer["HX-Redirect"] == f"/runs/{Run.objects.get().pk}/"


def test_sending_the_form_twice_starts_one_run(post):
    first, second = post(key="once"), post(key="once")

    assert first["Location"] == second["Location"]
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("port-question", "", "Question is missing."),
        ("port-count", "many", "This must be a whole number"),
        ("port-count", "0", "greater than or equal to 1"),
        ("port-question", "a\0b", "Null characters are not allowed."),
    ],
)
def test_a_wrong_input_gets_one_sentence_and_nothing_is_lost(post, hx, field, value, sentence):
    answer = post(**{field: value, "headers": hx})
    page = answer.content.decode()

    assert answer.status_code == 422
    assert page.count('class="fault"') == 1
    assert sentence in page
    assert "<html" not in page
    assert ("Why?" in page) or field == "port-question"
    assert not Run.objects.exists()


def test_a_wrong_input_without_htmx_gives_the_whole_page(post):
    answer = post(**{"port-count": "many"})

    assert answer.status_code == 422
    assert "<html" in answer.content.decode()


def test_a_megabyte_of_text_html_and_emoji_arrives_unchanged(post):
    text = ('<b>Ünï 🎉 "quoted"</b>\n' * 40_000)[:500_000]
    post(**{"port-question": text})

    run = Run.objects.get()
    assert decode(inputs_whole(str(run.team_id), run.inputs))["question"] == text


def test_a_run_is_given_a_label(post):
    post(label=" Night shift ")
    assert Run.objects.get().label == "Night shift"


@pytest.mark.parametrize(("length", "status"), [(200, 303), (201, 422)])
def test_a_label_has_so_many_characters_and_no_more(post, length, status):
    assert post(label="x" * length).status_code == status


def test_a_viewer_cannot_start(post, bob):
    assert post(person=bob).status_code == 404
    assert not Run.objects.exists()


def test_an_earlier_run_fills_the_form(client_of, alice, rich_workflow, rich_run, run):
    client = client_of(alice)
    address = f"/workflows/{rich_workflow.pk}/run/"

    assert "Why?" in client.get(f"{address}?like={rich_run.pk}").content.decode()
    assert client.get(f"{address}?like={run.pk}").status_code == 404
    assert client.get(f"{address}?like=nonsense").status_code == 404


def test_a_workflow_without_a_version_says_so(client_of, alice, team):
    from workflows.models import Workflow

    empty = Workflow.objects.create(team=team, name="empty", title="Empty")
    client = client_of(alice)

    assert "nothing to run" in client.get(f"/workflows/{empty.pk}/run/").content.decode()
    assert client.post(f"/workflows/{empty.pk}/run/").status_code == 409
    assert client.get(f"/workflows/{empty.pk}/").status_code == 200


@pytest.fixture
def address(rich_workflow):
    """The page that starts a run."""
    return f"/workflows/{rich_workflow.pk}/run/"


def test_earlier_inputs_are_offered_once_each_and_fill_the_form(client_of, alice, rich_workflow, address):  # fmt: skip
    for question in ("Why?", "How?", "Why?"):
        run = Run.objects.start(rich_workflow.latest, alice, {"question": question, "count": 7})
    page = client_of(alice).get(address).content.decode()
    like = client_of(alice).get(f"{address}?like={run.pk}").content.decode()

    assert page.count("?version=1&amp;like=") == 2
    assert f"like={run.pk}" in page
    assert 'value="7"' in like


def test_a_large_earlier_input_is_told_by_its_first_words(client_of, alice, rich_workflow, address):
    Run.objects.start(rich_workflow.latest, alice, {"question": "word " * 100_000})
    page = client_of(alice).get(address).content.decode()

    assert "question: word word" in page
    assert "$stored" not in page


def test_the_page_says_what_will_run_and_for_whom(client_of, alice, rich_workflow, address):
    page = client_of(alice).get(address).content.decode()

    assert "<b>Retrieve</b>" in page
    assert f"It runs as alice, for {rich_workflow.team.name}." in page


def test_the_version_that_was_shown_runs_though_a_newer_one_came(client_of, alice, rich_workflow):
    """R4: the version is always named."""
    first = rich_workflow.latest
    rich_workflow.revise(first.definition.replace('"Rich"', '"Richer"'), alice)
    client_of(alice).post(
        f"/workflows/{rich_workflow.pk}/run/",
        {"in-port-question": "Why?", "in-port-count": "5", "version": "1"},
    )

    assert rich_workflow.latest.number == 2
    assert Run.objects.get().version == first


@pytest.mark.parametrize("number", ["99", "-1", "one", "\u0663", "9" * 40])
def test_a_version_that_does_not_exist_is_not_found(client_of, alice, address, number):
    assert client_of(alice).get(address, {"version": number}).status_code == 404
    assert client_of(alice).post(address, {"version": number}).status_code == 404


def test_the_page_costs_the_same_for_many_runs(client_of, alice, rich_workflow, address, django_assert_max_num_queries):  # fmt: skip
    client = client_of(alice)
    for count in range(1, 31):
        Run.objects.start(rich_workflow.latest, alice, {"question": "?", "count": count})

    with django_assert_max_num_queries(12):
        assert client.get(address).content.decode().count("&amp;like=") == 5
