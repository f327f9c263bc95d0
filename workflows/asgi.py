"""The composition root: HTTP, WebSocket, and the start and stop of the background runner."""

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workflows.settings")
django_application = get_asgi_application()

# The models can be imported only once Django is set up.
from django.conf import settings  # noqa: E402

from workflows import background, body_cap, known_tokens, live  # noqa: E402
from workflows.newer import NewerDatabase, refuse_newer  # noqa: E402
from workflows.urls import websocket_urlpatterns  # noqa: E402

logger = logging.getLogger(__name__)

STOP_SECONDS = 12

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": OriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns)), settings.SOCKET_ORIGINS
        ),
    }
)


async def _start(give_up: Callable[[], None]) -> None:
    try:
        await sync_to_async(refuse_newer)()
        known_tokens.guard_output()
        live.listen()
        await background.start()
    except NewerDatabase as refusal:
        logger.critical("%s", refusal)
        give_up()
    except Exception:
        # Twisted drops what a trigger raises; without this line nobody would ever know.
        logger.exception("the background runner did not start")


async def _stop() -> None:
    try:
        await asyncio.wait_for(background.stop(), STOP_SECONDS)
        await live.stop_listening()
    except TimeoutError:
        logger.warning("the background runner did not stop in %d s", STOP_SECONDS)
    except Exception:
        logger.exception("the background runner did not stop cleanly")


def _hook() -> None:
    """Tie the runner to the server's reactor; nothing happens where no reactor runs.

    Daphne has no lifespan events, and a start at the first request would leave interrupted
    runs asleep until somebody opens a page.
    """
    import daphne.server  # noqa: F401, PLC0415 - installs the asyncio reactor
    from twisted.internet import defer  # noqa: PLC0415
    from twisted.internet import reactor as installed  # noqa: PLC0415

    # Typed as the module that it is only until a reactor is installed.
    reactor: Any = installed

    starting: list[asyncio.Future[None]] = []

    def start() -> None:
        starting.append(asyncio.ensure_future(_start(reactor.stop)))

    def stop() -> defer.Deferred[None]:
        return defer.Deferred.fromFuture(asyncio.ensure_future(_stop()))

    # `callWhenRunning` alone fires before the loop runs.
    reactor.callWhenRunning(lambda: reactor.callLater(0, start))
    reactor.addSystemEventTrigger("before", "shutdown", stop)


body_cap.install()
_hook()
