"""`manage.py rotate_keys [--drop]`: seal all credentials with a new key."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.models import Credential
from workflows.models.credential import key_ring
from workflows.sealing import KeyRing, Unsealable, write_ring

BATCH = 500


class Command(BaseCommand):
    """Add a key to the ring, seal every credential with it, and forget the older keys if asked."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whether older keys go."""
        parser.add_argument("--drop", action="store_true", help="forget the older keys afterwards")

    def handle(self, *args: Any, **options: Any) -> None:
        """Turn the ring; one that the environment gives is turned there, and only sealed with here."""
        given = bool(settings.CREDENTIAL_KEYS)
        if given and options["drop"]:
            raise CommandError("The keys come from ANABRANCH_CREDENTIAL_KEYS: drop the older ones there.")  # fmt: skip
        ring = key_ring()
        if not given:
            ring = ring.with_new_key()
            write_ring(ring, settings.DATA_DIR)
        sealed, left = _reseal(ring)
        self.stdout.write(f"{sealed} credential(s) are sealed with the key {ring.newest}.")
        for credential in left:
            self.stderr.write(f"Credential {credential.name} of {credential.person} cannot be opened.")  # fmt: skip
        if options["drop"]:
            if left:
                raise CommandError("Nothing was dropped: set or remove those credentials first.")
            write_ring(ring.only_newest(), settings.DATA_DIR)
            self.stdout.write("The older keys are forgotten; copies of the database still need them.")  # fmt: skip


def _reseal(ring: KeyRing) -> tuple[int, list[Credential]]:
    """Seal each credential anew, unless it has changed meanwhile; give how many, and which failed."""
    old = Credential.objects.exclude(sealed__startswith=f"{ring.newest}:").select_related("person")
    done, left = 0, []
    for credential in old.iterator(BATCH):
        try:
            text = ring.open(credential.sealed, credential.bound)
        except Unsealable:
            left.append(credential)
            continue
        same = Credential.objects.filter(pk=credential.pk, sealed=credential.sealed)
        done += same.update(sealed=ring.seal(text, credential.bound))
    return done, left
