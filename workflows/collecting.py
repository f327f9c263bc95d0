"""Collecting the static files, which costs a start seconds, only when one of them has changed."""

import hashlib

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

STAMP = ".collected"


def collect_static() -> bool:
    """Put the hashed and compressed files into STATIC_ROOT; False when they are there already."""
    stamp = settings.STATIC_ROOT / STAMP
    sources = _digest_of_sources()
    if stamp.is_file() and stamp.read_text("ascii") == sources:
        return False
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", verbosity=0, interactive=False)
    stamp.write_text(sources, "ascii")
    return True


def _digest_of_sources() -> str:
    """Sum up where each file comes from, its size and when it was last written (hexadecimal)."""
    digest = hashlib.sha256(django.__version__.encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            about = storage.path(name)
            written = storage.get_modified_time(name).timestamp()
            digest.update(f"{about}\0{storage.size(name)}\0{written}\0".encode())
    return digest.hexdigest()
