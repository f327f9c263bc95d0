"""An error is data: its type, its message and the lines of the task, without what they knew."""

from runner.graph.ports import Ports
from runner.graph.task import Task
from tests.drive import definition_of
from tests.tasks import registry_of_tests
from tests.under_way import submit_and_begin
from tests.virtual_time import virtual


class Local(Task):
    """Fails with something in its hands."""

    name = "test.local"
    effect = "none"

    class Outputs(Ports):
        result: int

    async def execute(self, inputs, context):
        in_hand = "what-nobody-" + "may-read"
        raise LookupError(f"nothing of length {len(in_hand)}")


@virtual
async def test_an_error_is_data_and_shows_the_tasks_own_lines_without_its_locals():
    """Engine 6.4."""
    registry = registry_of_tests()
    registry.register(Local)
    run = await submit_and_begin(
        definition_of([{"id": "local", "type": "test.local"}]), registry=registry
    )
    await run.end()
    (error,) = (each.error for each in run.events("RunFailed"))

    assert (error.type, error.message) == ("LookupError", "nothing of length 20")
    assert (error.task, error.attempt) == ("local", 1)
    assert "raise LookupError" in error.trace
    assert "what-nobody-may-read" not in error.trace
    assert "runner/execution" not in error.trace
