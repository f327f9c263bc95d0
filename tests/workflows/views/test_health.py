"""health: what a monitor hears."""

from django.db import OperationalError, connection

from workflows import background


def test_a_server_that_reaches_its_database_says_ok(client, db):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_a_server_without_its_database_says_so(client, db):
    """P10."""

    def away(execute, sql, params, many, context):
        raise OperationalError("server closed the connection")

    with connection.execute_wrapper(away):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (503, b"the database does not answer\n")


def test_a_server_is_ready_once_its_runner_runs(client, db, monkeypatch):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "the background runner is not running\n")
    monkeypatch.setattr(background, "_running", [object()])
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (200, "ready\n")
