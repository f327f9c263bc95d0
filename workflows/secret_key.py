"""The key that signs sessions: made once, kept beside the data, readable by its owner alone."""

import os
import secrets
from pathlib import Path

_NAME = "secret-key"


def secret_key_in(folder: Path) -> str:
    """Give the key kept in `folder`; the first call makes it."""
    path = folder / _NAME
    if not path.exists():
        _make(path)
    return path.read_text(encoding="ascii").strip()


def _make(path: Path) -> None:
    draft = path.with_name(f"{_NAME}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(64))
    try:
        # A link, not a rename: when two processes start together the first key stays.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
