"""Policy: what may be said about retries, times, cache and group, and what may not."""

import pytest

from runner.errors import DefinitionError, ValueFault
from runner.graph.building import GraphBuilder
from runner.graph.definition import GraphDefinition
from runner.graph.policy import Policy, Retry
from runner.graph.task import Task, task
from tests.planned import planned, problems, read, written


def test_a_policy_survives_its_document():
    policy = Policy(retry=Retry(attempts=3, errors=("OSError",)), timeout=None, cache=True)
    document = {
        "retry": {"attempts": 3, "errors": ["OSError"]}, "timeout": None, "cache": True,
    }  # fmt: skip
    assert policy.to_document() == document
    assert Policy.from_document(document) == policy
    assert Policy().to_document() == {}


def test_overriding_a_policy_keeps_what_is_not_named():
    """Engine 5.5."""
    base = Policy(retry=Retry(attempts=3, delay=5), group="gpu")
    changed = base.overridden({"retry": {"delay": 2}, "timeout": 60})
    assert changed.retry == Retry(attempts=3, delay=2)
    assert (changed.timeout, changed.group) == (60, "gpu")
    assert base.overridden({}) is base


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"retry": {"attempts": 0}}, "1 to 10 attempts, not 0"),
        ({"retry": {"attempts": 11}}, "1 to 10 attempts, not 11"),
        ({"retry": {"attempts": True}}, "1 to 10 attempts, not True"),
        ({"retry": {"delay": -1}}, "seconds, 0 or more, not -1"),
        ({"retry": {"delay": float("nan")}}, "seconds, 0 or more, not nan"),
        ({"retry": {"cap": "1"}}, "seconds, 0 or more, not '1'"),
        ({"retry": {"factor": 0}}, "from 1 to 100, not 0"),
        ({"retry": {"jitter": 1}}, "true or false, not 1"),
        ({"retry": {"errors": [1]}}, "names of exception types"),
        ({"retry": {"times": 3}}, "A retry has no 'times'; it has attempts,"),
        ({"retry": 3}, "an object such as {'attempts': 3}, not 3"),
        ({"timeout": 0}, "seconds above 0, or null for none, not 0"),
        ({"idle_timeout": 10**400}, "seconds above 0, or null, not 1000"),
        ({"cache": "yes"}, "true or false, not 'yes'"),
        ({"group": "x" * 65}, "up to 64 characters"),
        ({"speed": 3}, "A policy has no 'speed'; it has retry,"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(changes, said):
    with pytest.raises(ValueFault) as caught:
        Policy().overridden(changes)
    assert said in caught.value.sentence


def test_a_task_is_planned_with_the_policy_of_its_type_and_what_was_drawn():
    adding = {"type": "test.add", "policy": {"retry": {"attempts": 2}}}
    graph = planned(written({"a": adding, "b": "test.add"}))
    assert graph.tasks["a"].policy == Policy(retry=Retry(attempts=2))
    assert graph.tasks["b"].policy is Task.policy


def test_a_policy_is_part_of_the_definition_and_stays_the_same_text():
    document = {"id": "a", "type": "test.add", "policy": {"timeout": 5.5, "cache": True}}
    text = read(written({}) | {"tasks": [document]}).to_json()
    assert '"policy":{"cache":true,"timeout":5.5}' in text
    assert GraphDefinition.from_json(text).to_json() == text
    assert "policy" not in read(written({"a": "test.add"})).to_json()


@pytest.mark.parametrize(
    ("kind", "policy", "said"),
    [
        ("test.note", {"cache": True}, "cannot be cached, because its effect is repeatable"),
        ("test.add", {"timeout": -1}, "Task a: A timeout is seconds above 0"),
        ("flow.merge", {"cache": True}, "cannot be cached; cache the tasks inside it"),
        ("flow.merge", {"place": "queue"}, "has no body to post; post the tasks inside it"),
        ("test.add", {"place": "moon"}, 'A place is "queue" for the job queue, or empty'),
        ("test.add", {"priority": 101}, "A priority is a whole number from -100 to 100"),
        ("test.add", {"run_after": -1}, "The time before a job begins is seconds, 0 or more"),
    ],
)
def test_a_policy_that_does_not_fit_is_a_problem(kind, policy, said):
    tasks = {"n": "test.number", "a": {"type": kind, "policy": policy}}
    (problem,) = problems(written(tasks, "n.result > a.values"))
    assert said in problem


@pytest.mark.parametrize("policy", [{"cache": True}, {"place": "queue"}])
def test_a_cached_or_posted_task_waits_for_the_end_of_its_streams(policy):
    """Engine 7.8: a cached result is never provisional, and a worker is given whole streams."""
    double = {"type": "test.double", "policy": policy}
    graph = planned(
        written({"emit": "test.emit", "cached": double, "plain": "test.double"},
                "emit.numbers > cached.numbers; emit.numbers > plain.numbers")
    )  # fmt: skip
    assert graph.tasks["cached"].first_chunk == frozenset()
    assert graph.tasks["plain"].first_chunk == {"numbers"}


def test_a_function_task_takes_a_policy_and_a_place():
    @task(retry=3, timeout=None, cache=True, effect="none", group="gpu", place="process")
    def heavy(text: str) -> str:
        return text

    assert heavy.policy == Policy(
        retry=Retry(attempts=3), timeout=None, cache=True, group="gpu"
    )  # fmt: skip
    assert (heavy.place, heavy.needs) == ("process", ())


def test_what_effect_or_place_forbid_is_refused_where_a_type_is_made():
    """Engine 7.3, 7.8."""
    with pytest.raises(DefinitionError, match=r"may run only once; leave it one attempt"):
        task(retry=2, effect="once")(lambda: 1)
    with pytest.raises(DefinitionError, match=r"cannot be cached, because its effect"):
        task(cache=True)(lambda: 1)
    with pytest.raises(DefinitionError, match=r"place of .* is loop, thread or process"):
        task(place="moon")(lambda: 1)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="speed"):
        task(speed=1)(lambda: 1)  # type: ignore[call-overload]


def test_a_graph_in_code_sets_policies_and_fails_fast():
    @task(effect="none")
    def fetch(url: str) -> str:
        return url

    graph = GraphBuilder("fetching", fail_fast=True)
    graph.add("one", fetch, url="a", policy={"retry": {"attempts": 2}})
    graph.add("two", fetch, url="b", policy=Policy(timeout=5))
    text = graph.definition.to_json()
    assert '"fail_fast":true' in text
    assert GraphDefinition.from_json(text).to_json() == text
    made = graph.definition.tasks
    assert [each.policy for each in made] == [{"retry": {"attempts": 2}}, {"timeout": 5}]


def test_a_retry_may_be_given_whole():
    retry = Retry(attempts=2, cap=5)
    assert Policy().overridden({"retry": retry}).retry is retry
    assert Policy(retry=retry).to_document() == {"retry": {"attempts": 2, "cap": 5}}

    @task(retry=retry)
    async def fetch(url: str) -> str:
        return url

    assert fetch.policy.retry is retry
