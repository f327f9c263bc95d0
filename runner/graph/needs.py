"""Need: a credential that a task type asks for, and where it may go."""

from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True, slots=True)
class Need:
    """A credential by name, the hosts it may be sent to, and the scopes it has to cover.

    `hosts` are exact host names ("api.github.com"); without any the credential is never revealed.
    `scopes` are in the words of whoever issues the credential.
    """

    name: str
    _: KW_ONLY
    hosts: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
