"""People, their clients, and a run to look at."""

import os
import tempfile

import pytest
from hypothesis import HealthCheck, settings

from tests.databases import postgres_database, why_no_postgres
from tests.installed import VARIABLE

# How long an example takes says more about the machine than about the claim.
settings.register_profile("anabranch", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("anabranch")

DEFINITION = (
    '{"dataflows":[],"help":"","inputs":[],"name":"demo","outputs":[],'
    '"tasks":[{"config":{},"id":"a","inputs":{},"type":"test.number"}],"title":"Demo","v":1}'
)


def pytest_configure(config):
    """Give all workers of a session one place for the installation that they copy."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.TemporaryDirectory(prefix="anabranch-installed-")
        os.environ[VARIABLE] = folder.name
        config.add_cleanup(folder.cleanup)


def pytest_collection_modifyitems(items):
    """Begin with what waits for servers, so that workers side by side end together.

    Browser tests come last: Playwright keeps a loop in the main thread.
    """
    items.sort(key=_turn)


def _turn(item):
    if item.get_closest_marker("browser") or "page" in getattr(item, "fixturenames", ()):
        return 2
    return 1 if _uses_database(item) or not item.get_closest_marker("slow") else 0


@pytest.fixture(autouse=True)
def quick_passwords(request):
    """Hash quickly: strong hashes are for real passwords."""
    if not _uses_database(request.node):
        return
    settings = request.getfixturevalue("settings")
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def static_files_on_demand(request):
    """Let no client look through all static files when it is made, as a server does once."""
    if _uses_database(request.node):
        request.getfixturevalue("settings").WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
def own_files(request):
    """Keep what is kept beside the database in a folder of the test's own."""
    if _uses_database(request.node):
        settings = request.getfixturevalue("settings")
        settings.DATA_DIR = request.getfixturevalue("tmp_path")


def _uses_database(item):
    return bool(
        {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
        or item.get_closest_marker("django_db")
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database(request, tmp_path):
    """Give, for processes of its own, the environment of an empty database of each kind."""
    environment = {"ANABRANCH_DATA": str(tmp_path / "data"), "DATABASE_URL": ""}
    if request.param == "sqlite":
        yield environment
        return
    if why_no_postgres():
        pytest.skip(why_no_postgres())
    with postgres_database() as url:
        yield environment | {"DATABASE_URL": url}


@pytest.fixture
def team(db):
    """The team of alice and bob."""
    from workflows.models import Team

    return Team.objects.create(name="Rivers", slug="rivers")


def _member(team, name, role):
    from django.contrib.auth.models import User

    from workflows.models import Membership

    user = User.objects.create_user(name, password="river-delta-42")
    Membership.objects.create(team=team, user=user, role=role)
    return user


@pytest.fixture
def alice(team):
    """Owns the team."""
    return _member(team, "alice", "owner")


@pytest.fixture
def bob(team):
    """May look, and no more."""
    return _member(team, "bob", "viewer")


@pytest.fixture
def charlie(db):
    """A stranger: the owner of another team."""
    from workflows.models import Team

    return _member(Team.objects.create(name="Hills", slug="hills"), "charlie", "owner")


@pytest.fixture
def client_of():
    """Give a signed-in client of a person."""
    from django.test import Client

    def client(person, **options):
        made = Client(**options)
        made.force_login(person)
        return made

    return client


@pytest.fixture
def workflow(team, alice):
    """A workflow of the team with one version."""
    from workflows.models import Workflow

    made = Workflow.objects.create(team=team, name="demo", title="Demo", created_by=alice)
    made.revise(DEFINITION, alice)
    return made


@pytest.fixture
def run(workflow, alice):
    """A queued run of the workflow, started by alice."""
    from workflows.models import Run

    return Run.objects.start(workflow.latest, alice, {})


@pytest.fixture
def redis(tmp_path):
    """A Redis server, if one is installed."""
    from tests.redis_server import REDIS, Redis

    if REDIS is None:
        pytest.skip("no redis-server here: install it to test the doorbell between processes")
    pytest.importorskip("channels_redis")
    made = Redis(tmp_path)
    yield made
    made.end()


@pytest.fixture
def guest_types(monkeypatch):
    """Let pages know the task that says secrets."""
    from runner.graph.registry import default_registry
    from tests.guest_tasks import Speak

    def registry():
        found = default_registry()
        found.register(Speak)
        return found

    monkeypatch.setattr("workflows.ports.default_registry", registry)


@pytest.fixture
def secretive(team, alice, guest_types):
    """A run that says secrets wherever a run can say anything."""
    from tests.shared_run import secretive_run

    return secretive_run(team, alice)
