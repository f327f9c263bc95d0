"""`manage.py serve`: everything in one process, ready for the first sign-in."""

import os
import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from workflows.alone import AlreadyServed, alone, only_server
from workflows.collecting import collect_static
from workflows.demo_library import add_demo_person, load_demos
from workflows.newer import NewerDatabase, refuse_newer

DEMO_PERSON = "demo"
SOCKET_SECONDS = 12 * 60 * 60


class Command(BaseCommand):
    """Bring the database up to date and serve pages, sockets and runs until told to stop."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare and serve."""
        try:
            with only_server():
                self._prepare()
                self._serve()
        except (AlreadyServed, NewerDatabase) as refusal:
            raise CommandError(str(refusal)) from None

    def _prepare(self) -> None:
        """Bring the database and the files up to date; servers of one database do it in turn."""
        with alone():
            refuse_newer()
            call_command("migrate", verbosity=0, interactive=False)
            collect_static()
            load_demos()
            call_command("load_code_workflows", stdout=self.stdout, stderr=self.stderr)

    def _welcome(self, host: str, port: int) -> None:
        """Say where to go; only now, as a password that is shown once must not be shown in vain."""
        from twisted.internet import reactor  # noqa: PLC0415

        if port != settings.PORT:
            settings.SOCKET_ORIGINS.append(f"http://{host}:{port}")
        with alone():
            way_in = _how_to_sign_in()
        told = f"{way_in}\nServing on http://{host}:{port}/"
        # From inside the loop: who reads this may stop the server at once, and gracefully.
        later: Any = reactor
        later.callLater(0, self._say, told)

    def _serve(self) -> None:
        # Importing daphne.server installs the reactor that asgi.py then hooks into.
        from daphne.endpoints import build_endpoint_description_strings  # noqa: PLC0415
        from daphne.server import Server  # noqa: PLC0415

        from workflows.asgi import application  # noqa: PLC0415

        server: Any = Server(
            application=application,
            endpoints=build_endpoint_description_strings(host=settings.HOST, port=settings.PORT),
            websocket_timeout=SOCKET_SECONDS,
            server_name="anabranch",
            ready_callable=lambda: self._welcome(*server.listening_addresses[0]),
        )
        server.run()
        if not server.listening_addresses:
            # Daphne says so in its log and simply returns.
            raise CommandError(f"Port {settings.PORT} of {settings.HOST} is taken; set PORT.")

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()


def _how_to_sign_in() -> str:
    """Tell the way in; the first start makes the person and tells the password this once."""
    if User.objects.exists():
        names = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")
        name = names.values_list("username", flat=True).first() or "NAME"
        return f"Sign in as {name}; for a new password: {_manage()} changepassword {name}"
    given = os.environ.get("ANABRANCH_DEMO_PASSWORD", "")
    password = given or secrets.token_urlsafe(12)
    add_demo_person(DEMO_PERSON, password)
    shown = "the one in ANABRANCH_DEMO_PASSWORD" if given else f"{password} (shown this once)"
    return f"Sign in as {DEMO_PERSON}, password {shown}"


def _manage() -> str:
    data = os.environ.get("ANABRANCH_DATA")
    return f"{f'ANABRANCH_DATA={data} ' if data else ''}.venv/bin/python manage.py"
