"""Keyed: the settings by which a task of any kind is told which credential goes where."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from runner.errors import ValueFault
from runner.graph.expression import Expression
from runner.graph.needs import Need

CredentialName = Annotated[
    str,
    Field(
        max_length=64,
        title="Credential",
        description="The name of the credential that whoever starts the run has for this; empty: none.",
    ),
]
CredentialHost = Annotated[
    str,
    Field(
        max_length=253,
        title="Host of the credential",
        description="The one host it may be sent to, such as api.example.org.",
    ),
]


def need_of(
    title: str, config: Mapping[str, Any], host: Any, *, where: str = "host"
) -> tuple[Need, ...]:
    """Give the need that the setting `credential` names, for one host; raises ValueFault.

    `where` is the setting that says which host.
    """
    name = config.get("credential")
    if isinstance(name, Expression) or (name and isinstance(host, Expression)):
        raise ValueFault(
            f"Which credential {title} sends, and where, is known before a run; give a constant."
        )
    if not name or not isinstance(name, str):
        return ()
    if not host or not isinstance(host, str):
        raise ValueFault(
            f"{title} sends the credential '{name}'; say in its setting {where} where it may go."
        )
    return (Need(name, hosts=(host.strip().lower(),)),)
