"""Let the database itself refuse changes of what was done; that a person or team goes is none."""

from django.db import migrations

TABLE = "workflows_auditevent"
TRIGGER = "audit_events_never_change"
FUNCTION = "refuse_to_change_audit_events"
# Not person_id and team_id: they are emptied when their rows go.
COLUMNS = "at, person_name, act, subject, detail"
SENTENCE = "Audit events are never changed."


def hang(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(
            f"CREATE TRIGGER {TRIGGER} BEFORE UPDATE OF {COLUMNS} ON {TABLE} "
            f"BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END"
        )
        return
    schema_editor.execute(
        f"CREATE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    schema_editor.execute(
        f"CREATE TRIGGER {TRIGGER} BEFORE UPDATE OF {COLUMNS} ON {TABLE} "
        f"FOR EACH ROW EXECUTE FUNCTION {FUNCTION}()"
    )


def take_down(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(f"DROP TRIGGER {TRIGGER}")
        return
    schema_editor.execute(f"DROP TRIGGER {TRIGGER} ON {TABLE}")
    schema_editor.execute(f"DROP FUNCTION {FUNCTION}()")


class Migration(migrations.Migration):

    dependencies = [("workflows", "0019_job_queue")]

    operations = [migrations.RunPython(hang, take_down)]
