"""What must be true at start."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Info, register

from runner.graph.plug_ins import PlugIn
from runner.graph.registry import default_registry


@register()
def sqlite_keeps_what_it_acknowledged(**_: Any) -> Sequence[CheckMessage]:
    """SQLite must start transactions with the write lock, and sync them to the disk."""
    database: dict[str, Any] = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return []
    options = database.get("OPTIONS", {})
    found: list[CheckMessage] = []
    if options.get("transaction_mode") != "IMMEDIATE":
        found.append(Error("SQLite needs transaction_mode IMMEDIATE.", id="workflows.E001"))
    if "synchronous=FULL" not in options.get("init_command", ""):
        found.append(checks.Warning("A power cut may lose results.", id="workflows.W001"))
    return found


@register()
def origins_are_exact(**_: Any) -> Sequence[CheckMessage]:
    """A socket may be opened from whole origins only, never from a pattern."""
    return [
        Error(f"{origin!r} is not an exact origin.", id="workflows.E002")
        for origin in settings.SOCKET_ORIGINS
        if "*" in origin or "://" not in origin
    ]


@register()
def plug_ins_can_be_used(**_: Any) -> Sequence[CheckMessage]:
    """Warn of installed packages and apps whose task types cannot be used."""
    return [
        checks.Warning(
            f"The plug-in {each.module} ({each.origin}) is left out. {each.fault}",
            hint="Mend or uninstall it; tasks of its types stay in their workflows meanwhile.",
            id="workflows.W002",
        )
        for each in default_registry().plug_ins
        if each.fault
    ]


@register(deploy=True)
def plug_ins_are_known(**_: Any) -> Sequence[CheckMessage]:
    """List what installed packages and apps bring: an operator trusts their code."""
    return [
        Info(f"The plug-in {each.module} ({each.origin}) brings {_brought(each)}.", id=_BRINGS)
        for each in default_registry().plug_ins
        if not each.fault
    ]


_BRINGS = "workflows.I001"


def _brought(plug_in: PlugIn) -> str:
    return ", ".join((*plug_in.types, *plug_in.graphs)) or "nothing"


@register(deploy=True)
def debug_is_off(**_: Any) -> Sequence[CheckMessage]:
    """DEBUG shows settings and source to whoever causes an error."""
    return [Error("DEBUG is on.", id="workflows.E003")] if settings.DEBUG else []
