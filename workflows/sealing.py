"""Sealing: texts in the database that nobody reads without the key ring, which is not in it.

A sealed text is bound to what it was sealed for: in another row, or for another person, it does
not open. AES-256 in Galois/counter mode (NIST SP 800-38D), a random nonce of 96 bits for each.
"""

import base64
import binascii
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.exceptions import ImproperlyConfigured

from runner.errors import RunnerError

FILE = "credential-keys"
_NONCE = 12
_KEY = 32


class Unsealable(RunnerError):
    """A sealed text that no key of the ring opens here."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys by their ids, the newest first: it seals, and all of them open."""

    keys: Mapping[str, bytes]

    @property
    def newest(self) -> str:
        """The id of the key that seals."""
        return next(iter(self.keys))

    def seal(self, text: str, bound: str) -> str:
        """Seal a text for what `bound` names: "key id:base64 of nonce and ciphertext"."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = AESGCM(self.keys[self.newest]).encrypt(nonce, text.encode(), bound.encode())
        return f"{self.newest}:{base64.b64encode(nonce + sealed).decode('ascii')}"

    def open(self, sealed: str, bound: str) -> str:
        """Give the text; raises Unsealable without its key, or when it was sealed for another."""
        name, _, content = sealed.partition(":")
        if name not in self.keys:
            raise Unsealable(f"It was sealed with the key {name}, which is not in the key ring.")
        try:
            raw = base64.b64decode(content, validate=True)
            plain = AESGCM(self.keys[name]).decrypt(raw[:_NONCE], raw[_NONCE:], bound.encode())
        except (InvalidTag, ValueError, binascii.Error) as fault:
            raise Unsealable(
                "It was changed in the database, or sealed for another row."
            ) from fault
        return plain.decode()

    def to_text(self) -> str:
        """Give the lines of the key file."""
        return "".join(
            f"{name}:{base64.b64encode(key).decode('ascii')}\n" for name, key in self.keys.items()
        )

    def with_new_key(self) -> "KeyRing":
        """Give a ring that seals with a key of its own, and still opens what it opened."""
        return KeyRing({secrets.token_hex(4): secrets.token_bytes(_KEY), **self.keys})

    def only_newest(self) -> "KeyRing":
        """Give a ring without the older keys."""
        return KeyRing({self.newest: self.keys[self.newest]})


def ring_in(text: str, folder: Path) -> KeyRing:
    """Give the ring that a setting says ("id:base64,id:base64"), else the one kept in `folder`.

    The first call for a folder makes its key.
    """
    if text:
        return _read(text.split(","), "ANABRANCH_CREDENTIAL_KEYS")
    path = folder / FILE
    if not path.exists():
        write_ring(KeyRing({}).with_new_key(), folder, new=True)
    return _read(path.read_text(encoding="ascii").split(), str(path))


def write_ring(ring: KeyRing, folder: Path, *, new: bool = False) -> None:
    """Keep a ring, whole or not at all; a `new` one never takes the place of another."""
    draft = folder / f"{FILE}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(ring.to_text())
        file.flush()
        os.fsync(file.fileno())
    if not new:
        draft.replace(folder / FILE)
        return
    try:
        # A link, not a rename: when two processes start together the first ring stays.
        (folder / FILE).hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _read(lines: list[str], where: str) -> KeyRing:
    keys: dict[str, bytes] = {}
    for line in filter(None, map(str.strip, lines)):
        name, _, text = line.partition(":")
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error:
            key = b""
        if not name or len(key) != _KEY:
            raise ImproperlyConfigured(
                f"{where} must hold id:key, each key {_KEY} bytes in base64."
            )
        keys[name] = key
    if not keys:
        raise ImproperlyConfigured(f"{where} holds no key.")
    return KeyRing(keys)
