"""Credentials as tasks get them: those of the person who started the run, as they are now."""

from functools import partial

from django.utils import timezone

from runner.errors import ExpiredCredential, MissingCredential, RunnerError
from runner.execution.secrets import Secret
from runner.graph.needs import Need
from workflows.database_thread import DatabaseThread
from workflows.known_tokens import remember
from workflows.models.credential import Credential
from workflows.sealing import Unsealable

PATIENCE = 30.0


class UnfitCredential(MissingCredential):
    """A credential that is there and cannot be given for what a task needs."""

    def __init__(self, name: str, why: str) -> None:
        """Say what is to be changed."""
        RunnerError.__init__(self, f"The credential '{name}' {why}")
        self.name = name


class DatabaseCredentials:
    """Looks each time: one that was renewed is given, one that was removed is not."""

    def __init__(self) -> None:
        self._thread = DatabaseThread("credentials", PATIENCE)

    async def get(self, identity: str, need: Need) -> Secret:
        """Give a person's credential for the hosts that both it and the need name.

        Raises MissingCredential and its children ExpiredCredential and UnfitCredential.
        """
        return await self._thread.do(partial(credential_for, identity, need))

    async def close(self) -> None:
        """Let go of the connection."""
        await self._thread.close()


def credential_for(identity: str, need: Need) -> Secret:
    """Find and open what a person keeps under the need's name, and note the use."""
    person = int(identity) if identity.isdecimal() else None
    known = Credential.objects.filter(person=person, person__is_active=True, name=need.name)
    found = known.first()
    if found is None:
        raise MissingCredential(need.name)
    if why := why_unfit(found, need):
        raise UnfitCredential(need.name, why)
    if found.is_expired:
        raise ExpiredCredential(need.name)
    try:
        text = found.reveal()
    except Unsealable as fault:
        raise UnfitCredential(need.name, f"cannot be opened: {fault.sentence} Set it again.") from fault  # fmt: skip
    known.update(used_at=timezone.now())
    remember(text)
    return Secret(need.name, text, shared_hosts(found, need))


def shared_hosts(credential: Credential, need: Need) -> tuple[str, ...]:
    """Give the hosts that both the person and the task type name."""
    own = set(credential.hosts.lower().split())
    return tuple(host for host in need.hosts if host.lower().rstrip(".") in own)


def why_unfit(credential: Credential, need: Need) -> str:
    """Say why it does not cover a need; empty when it does."""
    if need.hosts and not shared_hosts(credential, need):
        wanted = ", ".join(need.hosts)
        return (
            f"is for {credential.hosts}, and the task needs it for {wanted}; add that host to it."
        )
    missing = [scope for scope in need.scopes if scope not in credential.scopes.split()]
    if missing:
        return f"does not cover {', '.join(missing)}; renew it with that scope."
    return ""
