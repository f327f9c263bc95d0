"""The socket of a guest's page: it hears of one run what its link shows, as long as it shows it."""

from django.conf import settings

from workflows import open_sockets
from workflows.consumers import FULL, RunConsumer
from workflows.guest_frames import GuestSource
from workflows.guest_page import VIEWS
from workflows.guests import Visit, visit_for
from workflows.live import Source, reading
from workflows.models.share import bell_of


class GuestConsumer(RunConsumer):
    """One page of a guest; it follows the guests' feed, never that of the team."""

    views = tuple(VIEWS)
    run_id = ""

    async def connect(self) -> None:
        """Accept a guest, unless as many watch by their link as may; they are told to come again."""
        self.id = str(self.scope["url_route"]["kwargs"]["id"])
        is_full = open_sockets.count_of(bell_of(self.id)) >= settings.SHARE_SOCKETS_A_LINK
        if is_full and await self._may_watch():
            self.watching = None
            await self.close(FULL)
            return
        await super().connect()

    def _is_full(self) -> bool:
        """Leave it at the link's own bound."""
        return False

    async def _may_watch(self) -> bool:
        visit = await reading(self._visit)
        self.run_id = str(visit.link.run_id) if visit else ""
        return visit is not None

    def _visit(self) -> Visit | None:
        user = self.scope.get("user")
        person = user.pk if user is not None and user.is_authenticated else None
        return visit_for(self.scope.get("cookies", {}), self.id, self.scope.get("session"), person)

    def _source(self) -> Source:
        return GuestSource(self.id, self.run_id)

    def _who(self) -> str:
        return bell_of(self.id)
