"""Ports from the fields of a pydantic model: types, bounds, titles and defaults."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from runner.errors import ValueFault
from runner.graph.port_types import compare, element_of, in_words, is_list
from runner.graph.ports import Chunks, Port, Stream


def ports_of(
    model: type[BaseModel], owner: str, streaming: Mapping[str, Stream] | None = None
) -> dict[str, Port]:
    """Give the ports that a model's fields declare."""
    streams = streaming or {}
    return {
        name: _port(name, field, owner, streams.get(name))
        for name, field in model.model_fields.items()
    }


def _port(name: str, field: FieldInfo, owner: str, stream: Stream | None) -> Port:
    kind, reads_stream, several = _kind(field)
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    port = Port(
        name=name,
        type=kind,
        required=field.is_required(),
        readiness=stream.readiness if stream else "final",
        mode=stream.mode if stream else None,
        reads_stream=reads_stream,
        several_streams=several,
        title=field.title or name.replace("_", " ").capitalize(),
        help=field.description or "",
        ui=str(extra.get("ui", "")),
        minimum=_bound(field, "ge", "gt"),
        maximum=_bound(field, "le", "lt"),
        secret=bool(extra.get("secret", False)),
        owner=owner,
    )
    return port if port.required else replace(port, default=_default(port, field))


def _kind(field: FieldInfo) -> tuple[Any, bool, bool]:
    """Give the type of a port, whether it reads a stream, and whether it reads several."""
    kind: Any = field.annotation
    several = is_list(kind) and _is_chunks(element_of(kind))
    kind = element_of(kind) if several else kind
    reads_stream = _is_chunks(kind)
    if reads_stream:
        kind = (get_args(kind) or (Any,))[0]
    for constraint in field.metadata:
        kind = Annotated[kind, constraint]
    return kind, reads_stream, several


def _is_chunks(kind: Any) -> bool:
    return kind is Chunks or get_origin(kind) is Chunks


def _default(port: Port, field: FieldInfo) -> str | None:
    value = field.get_default(call_default_factory=True)
    if port.several_streams and not value:
        return None
    if value is None and compare(type(None), port.type) == "misfit":
        return None
    return port.encode(value)


def _bound(field: FieldInfo, *names: str) -> float | None:
    for constraint in field.metadata:
        for name in names:
            bound = getattr(constraint, name, None)
            if isinstance(bound, int | float):
                return bound
    return None


def bounded(kind: Any, minimum: float | None, maximum: float | None) -> Any:
    """Give a type with bounds on its numbers."""
    if minimum is not None:
        kind = Annotated[kind, annotated_types.Ge(minimum)]
    if maximum is not None:
        kind = Annotated[kind, annotated_types.Le(maximum)]
    return kind


MOST_CHOICES = 200
CHOICE_LETTERS = 200


def one_of(name: str, kind: Any, choices: Sequence[Any]) -> Any:
    """Give the type of a text that is one of some; raises ValueFault for choices that are none."""
    if kind is not str:
        raise ValueFault(f"Input {name} has choices, but {in_words(kind)} is no text.")
    if any(not isinstance(each, str) or not 0 < len(each) <= CHOICE_LETTERS for each in choices):
        raise ValueFault(f"Each choice of {name} is a text of 1 to {CHOICE_LETTERS} letters.")
    if len(set(choices)) < len(choices):
        twice = next(each for each in choices if list(choices).count(each) > 1)
        raise ValueFault(f"{name} offers '{twice:.80}' twice.")
    if len(choices) > MOST_CHOICES:
        raise ValueFault(f"{name} offers more than {MOST_CHOICES} choices.")
    return Literal[tuple(choices)]
