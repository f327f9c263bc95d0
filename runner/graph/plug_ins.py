"""Plug-ins: modules of installed packages and apps that bring task types and graphs along."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.errors import DefinitionError

if TYPE_CHECKING:
    from runner.graph.registry import TaskRegistry

ENTRY_POINTS = "anabranch.tasks"
_LONGEST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PlugIn:
    """A module that brings something along, and where it was found.

    `fault` says why nothing of it can be used; `types` and `graphs` name what it has brought.
    """

    module: str
    origin: str
    types: tuple[str, ...] = ()
    graphs: tuple[str, ...] = ()
    fault: str = ""


def installed() -> Iterator[PlugIn]:
    """Give the modules that installed packages name in the group `anabranch.tasks`."""
    # A twelfth of what it costs to load the engine, and only needed here.
    from importlib.metadata import entry_points  # noqa: PLC0415

    for entry in entry_points(group=ENTRY_POINTS):
        package = getattr(entry, "dist", None)
        origin = f"package {package.name} {package.version}" if package else "entry point"
        yield PlugIn(module=entry.value, origin=origin)


def bring(registry: "TaskRegistry", found: PlugIn) -> PlugIn:
    """Register what a module defines, all or nothing; give what it brought, or its fault.

    One plug-in that cannot be used must not take the server and all other tasks with it.
    """
    trial = registry.copy()
    try:
        trial.register_module(importlib.import_module(found.module))
    except DefinitionError as fault:
        return replace(found, fault=fault.sentence)
    except (Exception, SystemExit) as fault:
        said = f"{type(fault).__name__}: {fault}".partition("\n")[0]
        return replace(found, fault=f"It cannot be imported. {said}"[:_LONGEST])
    types = tuple(name for name in trial.names() if name not in registry)
    graphs = tuple(name for name in trial.graphs if name not in registry.graphs)
    registry.update(trial)
    return replace(found, types=types, graphs=graphs)
