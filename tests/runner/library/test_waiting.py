"""Wait and Ask: what they decide, ask and accept."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from runner.errors import ValueFault
from runner.graph.registry import default_registry
from runner.library.flow.ask import Ask
from runner.library.flow.wait import Wait

FIELDS = [{"name": "who", "type": "str"}, {"name": "age", "type": "int", "default": 3}]


class Desk:
    """A context that keeps what was decided and asked, and answers at once."""

    def __init__(self, answer: dict[str, Any] | None = None) -> None:
        self.answer = answer or {}
        self.kept: dict[str, Any] = {}
        self.waited: list[datetime] = []
        self.asked: list[dict[str, Any]] = []

    async def decide(self, name: str, value: Any) -> Any:
        return self.kept.setdefault(name, value)

    async def wait_until(self, moment: datetime) -> None:
        self.waited.append(moment)

    async def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(question)
        return self.answer


async def run(task, desk, **inputs):
    return await task.execute(task.bind(inputs), desk)


async def test_a_wait_decides_its_moment_once():
    """Engine 1.3, 5.6: the moment is stored, absolute, in UTC."""
    desk, wait = Desk(), Wait({"seconds": 60})
    first = await run(wait, desk, value="x")
    second = await run(wait, desk, value="x")
    assert first == second == {"value": "x", "until": desk.kept["until"]}
    assert desk.waited == [desk.kept["until"]] * 2
    assert desk.kept["until"] > datetime.now(UTC)


async def test_a_wait_until_a_moment_takes_it_as_it_is():
    desk = Desk()
    moment = datetime(2030, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert (await run(Wait(), desk, until=moment))["until"] == moment
    assert desk.waited[0].tzinfo is UTC
    await run(Wait(), (naive := Desk()), until=datetime(2030, 1, 1))  # noqa: DTZ001 - the case
    assert naive.waited == [datetime(2030, 1, 1, tzinfo=UTC)]


async def test_an_approval_gives_a_yes_or_no_and_a_note():
    """Engine 8.1."""
    desk = Desk({"approved": True})
    ask = Ask({"title": "Ship it?", "deadline": 60})
    assert await run(ask, desk, shown={"v": 1}) == {"approved": True, "note": ""}
    assert [*ask.outputs] == ["approved", "note"]
    (question,) = desk.asked
    assert question == {
        "title": "Ship it?", "help": "", "kind": "approval", "fields": [], "deadline": 60.0,
        "others_only": False, "shown": {"v": 1},
    }  # fmt: skip
    assert next(iter(question)) == "others_only"


async def test_a_form_gives_its_answer_with_the_types_of_its_fields():
    """Engine 8.1."""
    ask = Ask({"kind": "input", "fields": FIELDS})
    assert await run(ask, Desk({"who": "Ann", "age": "7"})) == {"answer": {"who": "Ann", "age": 7}}
    assert await run(ask, Desk({"who": "Ann"})) == {"answer": {"who": "Ann", "age": 3}}
    assert [*ask.outputs] == ["answer"]


@pytest.mark.parametrize(
    ("config", "answer", "faults"),
    [
        ({"kind": "input", "fields": FIELDS}, {}, {"who": "Ask needs who."}),
        ({"kind": "input", "fields": FIELDS}, {"who": "a", "age": "b"},
         {"age": "Port age of Ask wants a whole number, not the text 'b'."}),
        ({"kind": "input", "fields": FIELDS}, {"who": "a", "x": 1},
         {"x": "There is no field 'x'."}),
        ({}, {}, {"approved": "Ask needs approved."}),
        ({}, {"approved": False, "note": "no"}, {}),
    ],
)  # fmt: skip
async def test_an_answer_is_checked_field_by_field(config, answer, faults):
    ask = Ask(config)
    assert ask.faults(answer) == faults
    if faults:
        with pytest.raises(ValueFault):
            await run(ask, Desk(answer))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"kind": "input"}, "asks for input, but has no fields"),
        ({"fields": FIELDS}, "asks for an approval, which has no fields"),
        ({"kind": "input", "fields": FIELDS + FIELDS}, "Two fields of Ask are called 'who'"),
        ({"kind": "input", "fields": [{"name": "a b"}]}, "'a b' is no name for a field"),
        ({"kind": "input", "fields": [{"type": "str"}]}, "field 1 of Ask has no 'name'"),
        ({"kind": "input", "fields": [{"name": "a", "type": "no"}]}, "'no' is no type"),
        ({"kind": "input", "fields": [{"name": "a", "type": 5}]}, "has to be text"),
        ({"kind": "moon"}, "Setting kind of Ask wants one of"),
        ({"deadline": 0}, "Setting deadline of Ask wants"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(config, said):
    with pytest.raises(ValueFault) as caught:
        Ask(config)
    assert said in caught.value.sentence


def test_both_are_in_the_library_and_may_run_again():
    registry = default_registry()
    assert {registry.get(name).effect for name in ("flow.wait", "flow.ask")} == {"repeatable"}
