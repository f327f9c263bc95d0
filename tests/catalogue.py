"""The catalogue of tasks: docs/catalogue.md, written from the task types by `make catalogue`."""

import inspect
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

from runner.graph.control import Control
from runner.graph.port_types import type_name
from runner.graph.ports import Port
from runner.graph.registry import default_registry
from runner.graph.task import Task, ports_of_class

PAGE = Path(__file__).resolve().parents[1] / "docs/catalogue.md"
INTRODUCTION = """# Catalogue of tasks

The tasks that come with Anabranch, by family. `make catalogue` writes this page from their types; \
do not edit it. A port in *italics* streams: who reads it begins with its first chunk. `?` marks \
what may be left out. The [examples](../runner/library/gallery) and \
[demos](../runner/library/demos) use many of them and run offline; \
[writing a task](writing-a-task.md) says how to add one, and [tasks](tasks.md) \
more about those that reach other machines.

Every task has a port `[error]` beside its outputs, and takes retries, time limits and a cache in \
its policy. What runs code or SQL that people wrote, or reads files that they bring, does so within \
limits that are settings of the task; [operating](operating.md) has those of the operator.
"""
FAMILIES = {
    "code": "Code that people write",
    "data": "Values and lists",
    "debug": "Looking at what flows",
    "demo": "Texts that are always there",
    "doc": "Documents",
    "email": "E-mail",
    "environment": "What is installed here",
    "file": "Files",
    "flow": "Which way it goes, and when",
    "http": "Other machines",
    "llm": "Language models",
    "search": "Searching",
    "sql": "SQL",
    "text": "Texts",
    "webhook": "Webhooks",
}


def kinds() -> list[type[Task]]:
    """Give the task types that come with the runner, by name."""
    return [each for each in default_registry() if each.__module__.startswith("runner.")]


def catalogue() -> str:
    """Write the page."""
    families = groupby(kinds(), key=lambda kind: kind.name.partition(".")[0])
    return "\n".join(
        [INTRODUCTION, *("\n".join(_family(name, list(found))) for name, found in families)]
    )


def _family(name: str, found: list[type[Task]]) -> Iterator[str]:
    yield f"## {FAMILIES.get(name, name.capitalize())}\n"
    for kind in found:
        yield f"### {kind.title} (`{kind.name}`)\n"
        yield f"{inspect.cleandoc(kind.__doc__ or '')}\n"
        yield from _ports(kind)
        yield ""


def _ports(kind: type[Task]) -> Iterator[str]:
    inputs, outputs = ports_of_class(kind)
    own = issubclass(kind, Control) or kind.__init__ is not Task.__init__
    more = ", and as its settings say" if own else ""
    if inputs or more:
        yield f"- takes {_listed(inputs) + more if inputs else 'what its settings or its graph say'}"
    if outputs or more:
        yield f"- gives {_listed(outputs) + more if outputs else 'what its settings or its graph say'}"
    if settings := kind.config_ports():
        yield f"- settings: {'; '.join(map(_setting, settings.values()))}"


def _listed(ports: Mapping[str, Port]) -> str:
    return ", ".join(map(_port, ports.values()))


def _port(port: Port) -> str:
    name = f"*`{port.name}`*" if port.streams or port.reads_stream else f"`{port.name}`"
    return f"{name}{'' if port.required else '?'} ({type_name(port.type)})"


def _setting(port: Port) -> str:
    bounds = [f"{word} {bound:,g}" for word, bound in (("from", port.minimum), ("to", port.maximum))
              if bound is not None]  # fmt: skip
    return f"{port.title} `{port.name}`" + (f" ({' '.join(bounds)})" if bounds else "")


if __name__ == "__main__":
    PAGE.write_text(catalogue(), encoding="utf-8")
