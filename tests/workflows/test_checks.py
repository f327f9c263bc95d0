"""What must be true at start, and the key made at the first one."""

import os
import subprocess
import sys
from pathlib import Path

from runner.graph.plug_ins import PlugIn
from workflows.checks import (
    debug_is_off,
    origins_are_exact,
    plug_ins_are_known,
    plug_ins_can_be_used,
    sqlite_keeps_what_it_acknowledged,
)
from workflows.secret_key import secret_key_in

ROOT = Path(__file__).resolve().parents[2]


def test_the_settings_as_shipped_pass():
    assert sqlite_keeps_what_it_acknowledged() == []
    assert origins_are_exact() == []
    assert debug_is_off() == []


def test_a_weaker_sqlite_is_found(settings, monkeypatch):
    weak = {"init_command": "PRAGMA synchronous=NORMAL"}
    database = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": weak}
    monkeypatch.setitem(settings.DATABASES, "default", database)
    assert [each.id for each in sqlite_keeps_what_it_acknowledged()] == [
        "workflows.E001",
        "workflows.W001",
    ]


def test_a_pattern_is_no_origin(settings):
    settings.SOCKET_ORIGINS = ["http://ok:1", "*", "example.org"]
    assert len(origins_are_exact()) == 2


def test_debug_is_found(settings):
    settings.DEBUG = True
    assert [each.id for each in debug_is_off()] == ["workflows.E003"]


def test_a_key_is_made_once_and_kept(tmp_path):
    key = secret_key_in(tmp_path)
    assert len(key) > 60
    assert secret_key_in(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_the_documented_settings_of_a_deployment_are_clean(tmp_path):
    """As docs/operating.md says them."""
    documented = {
        "HTTPS": "yes",
        "ALLOWED_HOSTS": "flows.example.org",
        "CSRF_TRUSTED_ORIGINS": "https://flows.example.org",
        "ANABRANCH_DATA": str(tmp_path),
    }
    text = (ROOT / "docs" / "operating.md").read_text()
    assert all(f"{name}={value}" in text for name, value in list(documented.items())[:3])
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**os.environ, "SECRET_KEY": "", "DEBUG": "", **documented},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


class Found:
    """A registry that was asked for three plug-ins."""

    plug_ins = (
        PlugIn(module="acme", origin="package acme 1", types=("acme.shout",), graphs=("loud",)),
        PlugIn(module="idle", origin="app idle"),
        PlugIn(module="torn", origin="entry point", fault="It cannot be imported. OSError: gone"),
    )


def test_a_plug_in_that_cannot_be_used_is_a_warning_that_says_why(monkeypatch):
    monkeypatch.setattr("workflows.checks.default_registry", Found)
    (warning,) = plug_ins_can_be_used()
    assert warning.msg == (
        "The plug-in torn (entry point) is left out. It cannot be imported. OSError: gone"
    )


def test_what_plug_ins_bring_is_listed(monkeypatch):
    monkeypatch.setattr("workflows.checks.default_registry", Found)
    assert [each.msg for each in plug_ins_are_known()] == [
        "The plug-in acme (package acme 1) brings acme.shout, loud.",
        "The plug-in idle (app idle) brings nothing.",
    ]


def test_the_tasks_of_an_installed_app_are_found(tmp_path):
    """In its module `anabranch_tasks`, with nothing else to say where."""
    app = tmp_path / "rivers"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "anabranch_tasks.py").write_text(
        "from runner import task\n\n\n@task(name='river.flow')\n"
        "def flow(n: int) -> int:\n    return n\n"
    )
    told = (
        "import django; from django.conf import settings; from workflows import settings as own;"
        "settings.configure(INSTALLED_APPS=[*own.INSTALLED_APPS, 'rivers'], "
        "DATABASES=own.DATABASES); django.setup();"
        "from runner.graph.registry import default_registry;"
        "print(*(each for each in default_registry().plug_ins))"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{tmp_path}",
        "ANABRANCH_DATA": str(tmp_path),
    }
    said = subprocess.run(
        [sys.executable, "-c", told], env=environment, check=True, capture_output=True, text=True
    )
    assert "origin='app rivers', types=('river.flow',)" in said.stdout
