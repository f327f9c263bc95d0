"""Sealing: only the key ring opens a text, and only where it was sealed."""

import base64
import stat

import pytest
from django.core.exceptions import ImproperlyConfigured

from workflows.sealing import FILE, KeyRing, Unsealable, ring_in, write_ring

RING = KeyRing({}).with_new_key()


def test_what_was_sealed_opens_where_it_was_sealed_for():
    sealed = RING.seal("tøken", "row 1 of alice")

    assert RING.open(sealed, "row 1 of alice") == "tøken"
    assert "tøken" not in sealed
    assert RING.seal("tøken", "row 1 of alice") != sealed


@pytest.mark.parametrize(
    "changed",
    [
        lambda sealed: (sealed, "row 2 of bob"),
        lambda sealed: (sealed[:-4] + "AAA=", "row 1 of alice"),
        lambda sealed: (sealed[:12], "row 1 of alice"),
        lambda sealed: (sealed + "ø", "row 1 of alice"),
    ],
    ids=["another row", "another text", "cut", "no base64"],
)
def test_what_was_moved_or_changed_does_not_open(changed):
    with pytest.raises(Unsealable, match="sealed for another row"):
        RING.open(*changed(RING.seal("token", "row 1 of alice")))


def test_a_turned_ring_opens_what_was_sealed_before_until_the_old_key_goes():
    sealed = RING.seal("token", "row")
    turned = RING.with_new_key()

    assert turned.newest != RING.newest
    assert turned.open(sealed, "row") == "token"
    with pytest.raises(Unsealable, match=f"the key {RING.newest}, which is not"):
        turned.only_newest().open(sealed, "row")


def test_a_ring_is_made_once_and_readable_by_its_owner_alone(tmp_path):
    made = ring_in("", tmp_path)

    assert ring_in("", tmp_path) == made
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    write_ring(made.with_new_key(), tmp_path, new=True)
    assert ring_in("", tmp_path) == made
    turned = made.with_new_key()
    write_ring(turned, tmp_path)
    assert ring_in("", tmp_path) == turned
    assert [each.name for each in tmp_path.iterdir()] == [FILE]


def test_a_setting_counts_before_the_file(tmp_path):
    text = ",".join(RING.with_new_key().to_text().split())

    assert len(ring_in(text, tmp_path).keys) == 2
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    "text", ["x", "a:", ":AAAA", "a:!!!", f"a:{base64.b64encode(b'short').decode()}", ","]
)
def test_what_is_no_ring_is_refused_in_one_sentence(text, tmp_path):
    with pytest.raises(ImproperlyConfigured, match=r"ANABRANCH_CREDENTIAL_KEYS (must hold|holds)"):
        ring_in(text, tmp_path)
