"""Secret: a credential in use; where it comes from, and what a task may ask for."""

from collections.abc import Iterable, Mapping
from typing import NoReturn, Protocol

from runner.errors import ExpiredCredential, MissingCredential, RunnerError
from runner.execution.masking import Masker
from runner.graph.needs import Need


class Secret:
    """A credential's text, bound to hosts; nothing but `reveal` gives the text.

    It has no text form, cannot be pickled, copied or written as JSON, and equals only itself.
    """

    __slots__ = ("__hosts", "__name", "__text")

    def __init__(self, name: str, text: str, hosts: Iterable[str]) -> None:
        self.__name = name
        self.__text = text
        self.__hosts = tuple(map(_host, hosts))

    @property
    def name(self) -> str:
        """The credential's name."""
        return self.__name

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names that the text may be sent to."""
        return self.__hosts

    def reveal(self, host: str) -> str:
        """Give the text for a request to `host`; raises RunnerError for any other host."""
        if _host(host) not in self.__hosts:
            bound = ", ".join(self.__hosts) or "no host"
            raise RunnerError(
                f"The credential '{self.__name}' is for {bound}, not for {host}; "
                "name the host in the task's needs."
            )
        return self.__text

    def __repr__(self) -> str:
        """Say the name only."""
        return f"Secret({self.__name})"

    def __format__(self, spec: str) -> str:
        """Say the name only, however wide."""
        return format(repr(self), spec)

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise TypeError(f"The credential '{self.__name}' cannot be pickled or copied.")


def _host(text: str) -> str:
    return text.lower().rstrip(".")


class Credentials(Protocol):
    """Where credentials are kept."""

    async def get(self, identity: str, need: Need) -> Secret:
        """Give a person's credential, bound to the hosts of the need.

        Raises MissingCredential, or its child ExpiredCredential.
        """


class NoCredentials:
    """Keeps none: every credential is missing."""

    async def get(self, identity: str, need: Need) -> Secret:
        """Raise MissingCredential."""
        raise MissingCredential(need.name)


class MemoryCredentials:
    """Credentials in a dict by (identity, name): for scripts and tests."""

    def __init__(self, texts: Mapping[tuple[str, str], str] | None = None) -> None:
        self._texts: dict[tuple[str, str], str | None] = dict(texts or {})

    async def get(self, identity: str, need: Need) -> Secret:
        """Give the credential as it is now."""
        if (identity, need.name) not in self._texts:
            raise MissingCredential(need.name)
        text = self._texts[identity, need.name]
        if text is None:
            raise ExpiredCredential(need.name)
        return Secret(need.name, text, need.hosts)

    def renew(self, identity: str, name: str, text: str) -> None:
        """Keep a new text from now on."""
        self._texts[identity, name] = text

    def expire(self, identity: str, name: str) -> None:
        """Give the text to nobody any more, until it is renewed."""
        self._texts[identity, name] = None


class Auth:
    """Whose authority a task has, and the credentials that its type declares."""

    def __init__(
        self, identity: str, needs: Iterable[Need], credentials: Credentials, masker: Masker
    ) -> None:
        self.identity = identity
        self._needs = {need.name: need for need in needs}
        self._credentials = credentials
        self._masker = masker

    async def secret(self, name: str) -> Secret:
        """Give a credential of the person who started the run.

        From now on the run's masker knows its text. Raises RunnerError for a name that the task
        type does not declare, MissingCredential and ExpiredCredential.
        """
        need = self._needs.get(name)
        if need is None:
            raise RunnerError(
                f"This task did not declare the credential '{name}'; "
                f"add Need({name!r}, hosts=(…,)) to the needs of its type."
            )
        secret = await self._credentials.get(self.identity, need)
        for host in secret.hosts[:1]:
            text = secret.reveal(host)
            self._masker.learn(text)
            # Of "name:password" the password alone, too.
            self._masker.learn(text.partition(":")[2])
        return secret
