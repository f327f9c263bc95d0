"""A definition as a Python program that builds it again, byte for byte (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from runner.graph.definition import DefinedTask, GraphDefinition, GraphOutput, GraphPort
from runner.graph.expression import Expression
from runner.graph.values import encode

#: The value that a program leaves in this name is the graph.
NAME = "graph"
_WIDTH = 88
_HEAD = '''"""{title}, as a program that builds it."""

from runner import GraphBuilder, default_registry, expression
from runner.graph.values import decode
'''


def as_python(definition: GraphDefinition) -> str:
    """Write a program whose `graph.definition` is this definition.

    Every text of the definition stands in it as a literal: nothing of it is ever code.
    """
    lines = list(_graph(definition, NAME, "registry=default_registry()"))
    body = "\n".join(lines)
    head = _HEAD.format(title=_plain(definition.label))
    used = [name for name in ("expression", "decode") if f"{name}(" in body]
    if "expression" not in used:
        head = head.replace(", expression\n", "\n")
    if "decode" not in used:
        head = head.replace("from runner.graph.values import decode\n", "")
    return f"{head}\n{body}\n"


def _graph(definition: GraphDefinition, name: str, *more: str) -> Iterator[str]:
    inner = {
        task.id: f"{name}_{number}"
        for number, task in enumerate(definition.tasks, start=1)
        if task.graph is not None
    }
    for task in definition.tasks:
        if task.graph is not None:
            yield from _graph(task.graph, inner[task.id])
            yield ""
    about = {"title": definition.title, "help": definition.help}
    given = [_literal(definition.name), *_filled(about)]
    given += ["fail_fast=True"] if definition.fail_fast else []
    yield _call(f"{name} = GraphBuilder", [*given, *more])
    for port in definition.inputs:
        yield _call(f"{name}.input", [_literal(port.name), _literal(port.type), *_port(port)])
    for task in definition.tasks:
        yield _call(f"{name}.draw", _task(task, inner.get(task.id)))
    for flow in definition.dataflows:
        yield _call(f"{name}.connect", [_literal(flow.source), _literal(flow.target)])
    for output in definition.outputs:
        yield _call(f"{name}.output", _output(output))


def _port(port: GraphPort) -> Iterator[str]:
    for field in fields(port):
        value = getattr(port, field.name)
        is_told = field.name in {"name", "type"}
        is_implied = field.name == "required" and port.default is not None
        if not is_told and not is_implied and value != field.default:
            yield f"{field.name}={_literal(value)}"


def _task(task: DefinedTask, inside: str | None) -> list[str]:
    given = [_literal(task.id), _literal(task.type)]
    given += _filled({"title": task.title})
    given += ["disabled=True"] if task.disabled else []
    named = {"config": task.config, "inputs": task.inputs, "policy": task.policy}
    given += _filled(named)
    return given if inside is None else [*given, f"graph={inside}"]


def _output(output: GraphOutput) -> list[str]:
    about = {"title": output.title, "help": output.help}
    return [_literal(output.name), _literal(output.source), *_filled(about)]


# ── source ──────────────────────────────────────────────────────────────────────────────────────


def _filled(named: Mapping[str, Any]) -> list[str]:
    return [f"{name}={_literal(value)}" for name, value in named.items() if value]


def _call(what: str, given: list[str]) -> str:
    line = f"{what}({', '.join(given)})"
    if len(line) <= _WIDTH:
        return line
    inside = "".join(f"    {each},\n" for each in given)
    return f"{what}(\n{inside})"


def _literal(value: Any) -> str:
    """Write a value of a definition as an expression that gives it again."""
    if isinstance(value, Expression):
        return f"expression({value.source!r})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {_literal(each)}' for key, each in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if value is None or isinstance(value, str | bool | int | float):
        return repr(value)
    return f"decode({encode(value)!r})"


def _plain(words: str) -> str:
    """Write words so that they can stand in a docstring and do not end it."""
    kept = "".join(each for each in words if each.isprintable() and each not in '"\\')
    return kept.strip() or "A graph"
