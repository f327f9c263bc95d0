"""T28: threads that tasks keep busy delay neither heartbeats nor pages."""

import pytest

from tests.durability.floods import install
from tests.durability.watched import PAGE_SECONDS, Visitor, Watched, gate, size
from tests.durability.watching import wait_until

pytestmark = pytest.mark.slow

LOADS = int(size("STARVED_PAGES", 100))  # 1,000
BLOCKING = 64
#: A lease lasts 30 s and is renewed every 5 s: here two renewals in a row were late.
LATE = 18.0
AT_WORK = "SELECT count(*) FROM workflows_taskrun WHERE status = 'running'"
LEFT = (
    "SELECT (julianday(lease_until) - julianday('now')) * 86400 "
    "FROM workflows_run WHERE status = 'running'"
)


@pytest.fixture
def server(tmp_path):
    """A server with the tasks of these tests."""
    made = Watched(tmp_path)
    install(made.data / "packages")
    made.start()
    yield made
    assert made.stop() == 0, made.output()


def test_sixty_four_blocking_tasks_delay_no_heartbeat_and_no_page(server, capsys):
    """T28. P4: seen in the lease that the database has, at each load of a page."""
    server.prepare(
        {"kind": "flood.held", "tasks": BLOCKING, "settings": {"gate": str(gate(server, "held"))}}
    )
    assert wait_until(lambda: server.look(AT_WORK) == [(BLOCKING,)], 60), server.output()
    leases = []
    with Visitor(server, f"/runs/{server.runs[0]}/") as visitor:
        while len(visitor.seconds) < LOADS:
            leases.append(server.look(LEFT)[0][0])
            assert visitor.is_alive()
            visitor.join(0.05)
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what a whole test is for
            f"\nT28: {BLOCKING} blocking tasks, {LOADS} pages: p99 {visitor.slowest:.2f} s; "
            f"of a lease of 30 s {min(leases):.1f} s were left at least"
        )
    assert min(leases) > LATE
    assert visitor.slowest < PAGE_SECONDS
    gate(server, "held").touch()
    assert server.wait_for_end(server.runs[0]) == "completed"
