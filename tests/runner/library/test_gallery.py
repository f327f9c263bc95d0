"""The workflows that come along: each of them runs to its end offline."""

import json
from typing import Any

import pytest

from runner import TaskGraphRunner, TaskRunner
from runner.graph.definition import GraphDefinition
from runner.graph.registry import default_registry
from runner.library.data.transform import Transform
from runner.run.events import TaskAwaiting
from tests.runner.library.conftest import DEMOS

GALLERY = DEMOS.parent / "gallery"
LICENCES = DEMOS / "licence-check-of-this-installation.json"
REASON = "we only use them inside"


async def ran(path, inputs=None, answers=None) -> tuple[dict[str, Any], list[Any]]:
    """Run a workflow to its end, answering whatever it asks; give outputs and events."""
    run = TaskGraphRunner().start(GraphDefinition.from_json(path.read_bytes()), inputs or {})
    seen = []
    async for event in run.events():
        seen.append(event)
        if isinstance(event, TaskAwaiting):
            assert run.executor.answer(event.path, (answers or {})[event.path], "ada")
    return await run.outputs(), seen


def paths_of(events, kind):
    """Give the paths of the events of a kind."""
    return [each.path for each in events if each.kind == kind]


@pytest.mark.parametrize("path", sorted(GALLERY.glob("*.json")), ids=lambda path: path.stem)
def test_an_example_has_no_problem_and_its_own_name(path):
    definition = GraphDefinition.from_json(path.read_bytes())
    assert definition.check(default_registry()) == []
    assert definition.name == path.stem
    assert definition.title
    assert definition.help
    assert all(each.title for each in definition.tasks)


def test_there_are_ten_of_them():
    assert len([*DEMOS.glob("*.json"), *GALLERY.glob("*.json")]) == 10


async def test_a_list_is_filtered_and_sorted():
    outputs, _ = await ran(GALLERY / "filter-and-sort-a-list.json")
    assert outputs["list"] == "1. rye bread: 3.1\n2. tea: 4.2\n3. honey: 6.5\n"
    assert [each["name"] for each in outputs["dropped"]] == ["coffee"]


async def test_words_are_counted_before_the_last_verse_is_written():
    outputs, events = await ran(GALLERY / "words-as-they-come.json", {"verses": 40})
    kinds = [(each.kind, getattr(each, "path", "")) for each in events]
    assert outputs["words"] == len(["#", "A", "river"]) + 40 * 11
    assert outputs["page"].count("<p>") == 40
    assert kinds.index(("TaskStarted", "count")) < kinds.index(("TaskCompleted", "write_verses"))
    assert outputs["file"].name == "river.md"


async def test_sql_adds_orders_up():
    outputs, _ = await ran(GALLERY / "questions-in-sql.json")
    assert outputs["rows"] == [
        {"name": "Ada", "orders": 2, "total": 37},
        {"name": "Grace", "orders": 1, "total": 12.5},
    ]
    assert outputs["file"].media_type == "text/csv"


@pytest.mark.parametrize(
    ("question", "said"),
    [("What is an anabranch?", "joins it again is an anabranch"), ("xyzzy", "says nothing")],
)
async def test_a_text_is_searched(question, said):
    outputs, _ = await ran(GALLERY / "search-a-text.json", {"question": question})
    assert said in " ".join(outputs["answer"].split())


@pytest.mark.parametrize(
    ("amount", "letter", "skipped"),
    [(120, "pay 108.0, with our thanks for a large", "as_it_is"), (20, "pay 20", "reduced")],
)
async def test_an_order_goes_one_of_two_ways(amount, letter, skipped):
    order = {"customer": "Ada", "amount": amount}
    outputs, events = await ran(GALLERY / "one-of-two-ways.json", {"order": order})
    assert letter in outputs["letter"]
    assert skipped not in paths_of(events, "TaskStarted")


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ('{"total": 7}', {"total": 7, "found": "as JSON"}),
        ("about 42 euros", {"total": 42, "found": "in words"}),
    ],
)
async def test_a_second_way_is_tried_when_the_first_fails(text, total):
    outputs, _ = await ran(GALLERY / "another-way-when-one-fails.json", {"text": text})
    assert outputs["total"] == total


async def test_a_letter_is_written_from_a_form():
    answer = {"name": "Ada", "guests": 2, "note": "Bring a boat."}
    outputs, _ = await ran(GALLERY / "a-letter-from-a-form.json", answers={"ask": answer})
    assert outputs["letter"] == "Dear Ada,\n\nwe expect 2 guests.\n\nBring a boat.\n"


# ── the licence check ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("approved", "note", "decision"),
    [(True, REASON, f"Approved: {REASON}."), (False, "", "Refused.")],
)
async def test_licences_are_sorted_decided_on_and_reported(approved, note, decision):
    answers = {"review/approve": {"approved": approved, "note": note}}
    outputs, events = await ran(LICENCES, answers=answers)
    assert f"## Decision\n\n{decision}\n" in outputs["report"]
    families = {row["family"]: row["packages"] for row in outputs["counts"]}
    assert families["permissive"] > 10
    assert f"{sum(families.values())} packages." in outputs["report"]
    assert (outputs["file"].name, outputs["file"].size) == (
        "licences.md",
        len(outputs["report"].encode()),
    )
    assert "fine" not in paths_of(events, "TaskStarted")


async def test_permissive_licences_alone_need_no_decision(tmp_path):
    document = json.loads(LICENCES.read_text())
    listed = [{"name": each, "version": "1", "license": each} for each in ("MIT", "BSD-3-Clause")]
    ports = [{"name": "packages", "type": "list[dict[str,any]]"}]
    config = {"code": f"packages = {listed}", "outputs": ports}
    document["tasks"][0] |= {"type": "code.python", "config": config}
    del document["dataflows"][0]
    path = tmp_path / "permissive.json"
    path.write_text(json.dumps(document))
    outputs, events = await ran(path)
    assert "nothing had to be decided" in outputs["report"]
    assert "review/approve" not in paths_of(events, "TaskStarted")


@pytest.mark.parametrize(
    ("license", "family"),
    [
        ("MIT", "permissive"),
        ("GPL-3.0-or-later", "strong copyleft"),
        ("GNU General Public License v2 (GPLv2)", "strong copyleft"),
        ("GNU Lesser General Public License v3 (LGPLv3)", "weak copyleft"),
        ("LGPL-2.1-only OR GPL-2.0-only", "strong copyleft"),
        ("MPL-2.0", "weak copyleft"),
        ("see the file", "unknown"),
    ],
)
async def test_a_licence_belongs_to_a_family(license, family):  # noqa: A002
    document = json.loads(LICENCES.read_text())
    classify = next(each for each in document["tasks"] if each["id"] == "classify")
    normalise = next(each for each in classify["graph"]["tasks"] if each["id"] == "normalise")
    found = await TaskRunner().run(
        Transform(normalise["config"]), {"value": {"name": "it", "license": license}}
    )
    assert found["result"]["family"] == family
