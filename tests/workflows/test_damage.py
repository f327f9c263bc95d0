"""T23, T26: checkpoints that are damaged, or of another release, and the runs beside them (P5, P11)."""

import json

import pytest

from runner.run.checkpoint import TaskCheckpoint
from workflows.claims import claim_runs
from workflows.models import Run
from workflows.owners import OwnerLocks

pytestmark = pytest.mark.django_db
WHOLE = TaskCheckpoint(path="a", attempt=1, seq=1, outputs={"result": "[1,2]"}).to_json()
NESTED = 1_000_000
DAMAGED = {
    "truncated": WHOLE[:-5],
    "empty": "",
    "a flipped brace": WHOLE.replace("{", "[", 1),
    "a flipped quote": WHOLE.replace('"path"', "~path~"),
    "a flipped name": WHOLE.replace('"seq"', '"sez"'),
    "a flipped value": WHOLE.replace("[1,2]", "[1,2}"),
    "a later version": WHOLE.replace('"v":3', '"v":4'),
    "no version": WHOLE.replace('"v":3,', ""),
    "a version that is none": WHOLE.replace('"v":3', '"v":[]'),
    "NaN": WHOLE.replace("[1,2]", "NaN"),
    "Infinity as a number": WHOLE.replace('"seq":1', '"seq":-Infinity'),
    "nested too deep": WHOLE.replace("[1,2]", "[" * NESTED + "]" * NESTED),
    "nothing of the kind": "null",
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_checkpoint_sets_its_run_aside_in_one_sentence(
    text, run, workflow, alice, tmp_path
):
    """P5, T26: at once, and the others go on."""
    other = Run.objects.start(workflow.latest, alice, {})
    run.checkpoints.create(path="a", attempt=1, seq=1, epoch=1, value=text)
    claimed = claim_runs("me", 5, OwnerLocks(tmp_path))
    run.refresh_from_db()
    error = json.loads(run.error)
    assert [each.run for each in claimed] == [str(other.pk)]
    assert (run.status, run.owner) == ("quarantined", "")
    assert error["type"] == "UnreadableCheckpoint"
    assert error["message"].startswith("A checkpoint cannot be read: ")
    assert len(error["message"].splitlines()) == 1


EARLIER = {
    "v1": '{"v":1,"path":"a","attempt":2,"seq":7,"done":true,"outputs":{"result":"4"},"streams":{},'
    '"width":null,"decisions":{},"saved":null,"error":null,"handled":false,"not_taken":[]}',
    "v1 of a map": '{"v":1,"path":"a","attempt":1,"seq":7,"done":false,"outputs":{},"streams":{},'
    '"width":3,"decisions":{},"saved":null,"error":null,"handled":false,"not_taken":[]}',
    "v2": '{"v":2,"path":"a","attempt":2,"seq":7,"done":true,"outputs":{"result":"4"}}',
    "v2 with saved state": '{"v":2,"path":"a","attempt":1,"seq":7,"done":false,"saved":'
    '{"attempt":1,"value":"5","outputs":{"out":2},"inputs":{"rows":["b","out",1,5]}}}',
}


@pytest.mark.parametrize("text", EARLIER.values(), ids=EARLIER)
def test_a_checkpoint_of_an_earlier_release_is_read(text, run, tmp_path):
    """P11, T23."""
    run.checkpoints.create(path="a", attempt=1, seq=7, epoch=1, value=text)
    (stored,) = claim_runs("me", 1, OwnerLocks(tmp_path))
    (kept,) = stored.checkpoints
    assert (kept.path, kept.seq) == ("a", 7)
    assert kept.outputs == ({"result": "4"} if kept.done else {})
    assert kept.rounds == ((3,) if "width" in text and not kept.done else ())
