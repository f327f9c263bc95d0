"""Credentials in runs: those of who started it, masked everywhere, renewed on the way."""

import base64
import urllib.parse
from typing import ClassVar

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from runner.errors import ExpiredCredential, MissingCredential
from runner.graph.needs import Need
from runner.graph.ports import Ports, Stream
from runner.graph.task import Task
from tests.drive import definition_of
from tests.workflows.served import Served, in_thread
from workflows.credentials import DatabaseCredentials, UnfitCredential, credential_for
from workflows.models import Credential, Run, Workflow
from workflows.models.credential import keep_credential, remove_credential
from workflows.sealing import FILE

pytestmark = pytest.mark.django_db(transaction=True)
HOST = "api.rivers.example"
TEXT = "delta/of+a=river&4711"
NEED = Need("rivers", hosts=(HOST,))


def forms_of(text):
    """Give a text as it is, URL-, base64- and hex-encoded."""
    return [
        text,
        urllib.parse.quote(text, safe=""),
        base64.b64encode(text.encode()).decode(),
        text.encode().hex(),
    ]


class Leaks(Task):
    """Says its credential wherever it can."""

    name = "test.leaks"
    effect: ClassVar = "repeatable"
    needs = (NEED,)

    class Inputs(Ports):
        fails: bool = False

    class Outputs(Ports):
        texts: list[str]
        letters: str

    @staticmethod
    def streaming():
        return {"letters": Stream(readiness="first-chunk", mode="append")}

    async def execute(self, inputs, context):
        secret = (await context.auth.secret("rivers")).reveal(HOST)
        for text in forms_of(secret):
            print(text)  # noqa: T201
            context.log.info("it is %s", text)
            context.progress(0.5, text)
            for start in range(0, len(text), 5):
                await context.push_chunk("letters", text[start : start + 5])
            await context.push_chunk("letters", " ")
        if inputs.fails:
            raise ValueError(f"{forms_of(secret)} was refused")
        return {"texts": forms_of(secret)}


@pytest.fixture
async def served(tmp_path):
    credentials = DatabaseCredentials()
    made = Served(tmp_path, more=(Leaks,), credentials=credentials)
    yield made
    await made.stop()
    await credentials.close()


def _begin(team, alice, *, fails):
    workflow = Workflow.objects.create(team=team, name="leaks", created_by=alice)
    tasks = [{"id": "leaks", "type": "test.leaks", "inputs": {"fails": fails}}]
    return Run.objects.start(workflow.revise(definition_of(tasks), alice), alice, {})


@pytest.mark.parametrize("fails", [False, True])
async def test_a_run_waits_for_a_credential_goes_on_with_it_and_leaves_no_trace_of_it(
    served, team, alice, fails
):
    """R18, T29."""
    run = await in_thread(lambda: _begin(team, alice, fails=fails))
    await served.has(run, leaks="awaiting")

    await in_thread(lambda: keep_credential(alice, "rivers", TEXT, hosts=[HOST]))
    served.runner.wake()
    await served.until(run, "failed" if fails else "completed")

    stored = await in_thread(everything)
    assert "•••" in stored or "***" in stored
    assert [stored.count(each) for each in forms_of(TEXT)] == [0, 0, 0, 0]


async def test_a_tried_draft_is_given_nobody_elses_credential(served, team, alice, bob):
    """S8: neither of who drew it nor of anybody else, only of who tries it."""

    def begin():
        keep_credential(alice, "rivers", TEXT, hosts=[HOST])
        workflow = Workflow.objects.create(team=team, name="leaks", created_by=alice)
        tried = workflow.tried(definition_of([{"id": "leaks", "type": "test.leaks"}]), "", bob)
        return Run.objects.start(tried, bob, {}, options={"until": ["leaks"]})

    run = await in_thread(begin)
    assert run.trial
    await served.has(run, leaks="awaiting")
    waiting = await in_thread(lambda: run.task_runs.get(path="leaks"))
    assert waiting.reason == "token"
    assert await in_thread(lambda: Credential.objects.get().used_at) is None


def everything():
    """Give all that the database holds, as text."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        rows = []
        for name in names:
            cursor.execute(f'SELECT * FROM "{name}"')  # noqa: S608
            rows.append(repr(cursor.fetchall()))
    return "\n".join(rows)


def test_each_person_gets_their_own(alice, bob):
    keep_credential(alice, "rivers", TEXT, hosts=[HOST, "other.example"])
    keep_credential(bob, "rivers", "of bob", hosts=[HOST])

    secret = credential_for(str(alice.pk), NEED)

    assert secret.reveal(HOST) == TEXT
    assert secret.hosts == (HOST,)
    assert credential_for(str(bob.pk), NEED).reveal(HOST) == "of bob"
    assert Credential.objects.get(person=alice).used_at


@pytest.mark.parametrize("identity", ["", "None", "999", "-1", "1 OR 1=1"])
def test_nobody_else_is_anybody(alice, identity):
    keep_credential(alice, "rivers", TEXT, hosts=[HOST])

    with pytest.raises(MissingCredential):
        credential_for(identity, NEED)


def test_what_ended_is_removed_or_belongs_to_who_is_gone_is_not_given(alice):
    kept = keep_credential(alice, "rivers", TEXT, hosts=[HOST])
    Credential.objects.update(expires_at="2020-01-01T00:00Z")
    with pytest.raises(ExpiredCredential, match="has expired"):
        credential_for(str(alice.pk), NEED)

    Credential.objects.update(expires_at=None)
    alice.is_active = False
    alice.save()
    with pytest.raises(MissingCredential, match="is missing"):
        credential_for(str(alice.pk), NEED)

    alice.is_active = True
    alice.save()
    assert credential_for(str(alice.pk), NEED).reveal(HOST) == TEXT
    remove_credential(kept, alice)
    with pytest.raises(MissingCredential, match="is missing"):
        credential_for(str(alice.pk), NEED)


@pytest.mark.parametrize(
    ("need", "sentence"),
    [
        (Need("rivers", hosts=("elsewhere.example",)), "add that host to it"),
        (Need("rivers", hosts=(HOST,), scopes=("write",)), "does not cover write"),
    ],
)
def test_what_does_not_cover_the_need_says_what_to_change(alice, need, sentence):
    keep_credential(alice, "rivers", TEXT, hosts=[HOST])

    with pytest.raises(UnfitCredential, match=sentence):
        credential_for(str(alice.pk), need)


def test_keys_are_turned_and_the_old_ones_go(alice, settings, capsys):
    keep_credential(alice, "rivers", TEXT, hosts=[HOST])
    before = (settings.DATA_DIR / FILE).read_text()
    sealed = Credential.objects.get().sealed

    call_command("rotate_keys", "--drop")

    after = (settings.DATA_DIR / FILE).read_text()
    assert before not in after
    assert len(after.split()) == 1
    assert Credential.objects.get().sealed != sealed
    assert Credential.objects.get().reveal() == TEXT
    assert "1 credential(s) are sealed" in capsys.readouterr().out


def test_no_key_is_dropped_while_something_cannot_be_opened(alice, settings, capsys):
    keep_credential(alice, "rivers", TEXT, hosts=[HOST])
    Credential.objects.update(sealed="gone:AAAA")

    with pytest.raises(CommandError, match="Nothing was dropped"):
        call_command("rotate_keys", "--drop")

    assert len((settings.DATA_DIR / FILE).read_text().split()) == 2
    assert "rivers of alice cannot be opened" in capsys.readouterr().err
    with pytest.raises(UnfitCredential, match="Set it again"):
        credential_for(str(alice.pk), NEED)


def test_keys_of_the_environment_are_turned_there(alice, settings):
    settings.CREDENTIAL_KEYS = "a:" + base64.b64encode(b"k" * 32).decode()
    keep_credential(alice, "rivers", TEXT, hosts=[HOST])

    settings.CREDENTIAL_KEYS = (
        f"b:{base64.b64encode(b'l' * 32).decode()},{settings.CREDENTIAL_KEYS}"
    )
    with pytest.raises(CommandError, match="drop the older ones there"):
        call_command("rotate_keys", "--drop")
    call_command("rotate_keys")

    assert Credential.objects.get().sealed.startswith("b:")
    assert Credential.objects.get().reveal() == TEXT
