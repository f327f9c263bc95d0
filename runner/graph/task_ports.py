"""What a task's models need beyond pydantic: sentences, and filling without validating twice."""

import re
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from runner.errors import DefinitionError, ValueFault
from runner.graph.expression import Expression
from runner.graph.port_fields import ports_of
from runner.graph.port_types import bare, compare
from runner.graph.ports import Port, Ports, Stream, refused


def outputs_of_model(
    model: type[BaseModel], owner: str, streaming: Mapping[str, Stream]
) -> dict[str, Port]:
    """Give the output ports that a model declares; raises DefinitionError for bad streams."""
    unknown = [name for name in streaming if name not in model.model_fields]
    if unknown:
        raise DefinitionError(f"{owner} streams '{unknown[0]}', which is no output port.")
    outputs = ports_of(model, owner, streaming)
    for port in outputs.values():
        if port.mode == "append" and not _can_grow(port):
            raise DefinitionError(f"{port.label} cannot grow by chunks; use text or a list.")
    return outputs


def _can_grow(port: Port) -> bool:
    kind = bare(port.type)
    return kind in {str, bytes, Any} or compare(kind, list[Any]) != "misfit"


def read_config(model: type[Ports], owner: str, config: Mapping[str, Any]) -> Ports:
    """Check a task's settings; raises ValueFault with a sentence that names the setting.

    Those that are expressions have no value yet, and what concerns them is not checked.
    """
    unknown = [name for name in config if name not in model.model_fields]
    if unknown:
        known = said(model.model_fields)
        raise ValueFault(f"{owner} has no setting '{unknown[0]}'; it has {known}.")
    given = {name: each for name, each in config.items() if not isinstance(each, Expression)}
    later = config.keys() - given.keys()
    try:
        valid = model.model_validate(given)
    except ValidationError as fault:
        errors = [each for each in fault.errors(include_url=False) if not _waits(each, later)]
        if errors:
            raise ValueFault(_config_refusal(model, owner, errors[0])) from fault
    else:
        if not later:
            return valid
    return model.model_construct(**given)


def _waits(error: Any, later: Collection[str]) -> bool:
    """Whether this is about a setting that has no value yet, or about several together."""
    return bool(later) and (not error["loc"] or error["loc"][0] in later)


def _config_refusal(model: type[Ports], owner: str, error: Any) -> str:
    name = str(error["loc"][0]) if error["loc"] else ""
    field = model.model_fields.get(name)
    if field is None:
        return f"The settings of {owner} do not fit: {error['msg']}."
    if error["type"] == "missing":
        spot = "".join(f"[{part!r}]" for part in error["loc"][1:])
        return f"{owner} needs its setting {name}{spot}."
    return f"Setting {name} of {owner} wants {refused(error, field.annotation, below=1)}"


def filled(model: type[BaseModel], values: Mapping[str, Any]) -> BaseModel:
    """Make a model of values that were validated one by one; validating again costs much more."""
    made = model.__new__(model)
    object.__setattr__(made, "__dict__", {**_defaults(model, values), **values})
    object.__setattr__(made, "__pydantic_fields_set__", set(values))
    object.__setattr__(made, "__pydantic_extra__", None)
    object.__setattr__(made, "__pydantic_private__", None)
    return made


def _defaults(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    if len(values) == len(model.model_fields):
        return {}
    return {
        name: field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
        if name not in values and not field.is_required()
    }


def by_port(returned: Any) -> dict[str, Any] | None:
    """Take a dict, a Ports object or a dataclass apart; None for any other value."""
    if isinstance(returned, Mapping):
        return dict(returned)
    if isinstance(returned, Ports):
        return {name: getattr(returned, name) for name in type(returned).model_fields}
    if is_dataclass(returned) and not isinstance(returned, type):
        return {field.name: getattr(returned, field.name) for field in fields(returned)}
    return None


def said(names: Collection[str]) -> str:
    """List names in a sentence."""
    return ", ".join(names) if names else "none"


def snake_case(text: str) -> str:
    """Turn WordCount into word_count."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text).lower()
