"""Django's mailers from mail servers by alias."""

from collections.abc import Mapping
from typing import Any

from runner.execution.mail import PATIENCE, MailServer


def mailers_for(servers: Mapping[str, MailServer]) -> dict[str, dict[str, Any]]:
    """Give the setting MAILERS."""
    return {alias: {"OPTIONS": _options(server)} for alias, server in servers.items()}


def _options(server: MailServer) -> dict[str, Any]:
    return {
        "host": server.host,
        "port": server.port,
        "username": server.user,
        "password": server.password,
        "use_tls": server.security == "starttls",
        "use_ssl": server.security == "tls",
        "timeout": PATIENCE,
    }
