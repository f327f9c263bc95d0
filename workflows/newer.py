"""Whether a database is newer than this code: what a later version changed in it, and who refuses it."""

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from runner.errors import RunnerError


class NewerDatabase(RunnerError):
    """A later version has worked on this database; to write into it could lose what it keeps."""


def refuse_newer() -> None:
    """Raise NewerDatabase if the database has had a migration that this code does not know."""
    loader = MigrationLoader(connection)
    ours = loader.migrated_apps
    unknown = sorted(
        f"{app}.{name}"
        for app, name in set(loader.applied_migrations) - set(loader.disk_migrations)
        if app in ours and (app, name) not in loader.replacements
    )
    if unknown:
        raise NewerDatabase(
            f"A newer version of Anabranch has worked on this database (it knows {unknown[-1]}): "
            "start that version, or restore a backup from before it."
        )
