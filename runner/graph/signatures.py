"""A function's signature as ports: its parameters, and what it returns."""

import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
)
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import create_model

from runner.errors import DefinitionError
from runner.graph.port_types import bare
from runner.graph.ports import Ports

RESULT = "result"
CONTEXT = "context"
_ITERATORS = frozenset(
    {AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Iterable, Iterator}
)


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Give the types in a signature; raises DefinitionError where one cannot be found."""
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as fault:
        raise DefinitionError(
            f"The types in the signature of {function.__name__} cannot be read: {fault}."
        ) from fault


def parameters_of(function: Callable[..., Any], hints: Mapping[str, Any]) -> dict[str, Any]:
    """Give type and default of each parameter but the context."""
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            raise DefinitionError(
                f"{function.__name__} takes *{name}; a task names each of its inputs."
            )
        if name != CONTEXT:
            default = ... if parameter.default is parameter.empty else parameter.default
            found[name] = (hints.get(name, Any), default)
    return found


def model_of(name: str, fields_by_name: dict[str, Any]) -> type[Ports]:
    """Make a model of ports."""
    return create_model(name, __base__=Ports, **fields_by_name)


def results_of(returned: Any) -> dict[str, Any]:
    """Give the output ports of a return type: none, several, or the one called `result`."""
    if returned is None or returned is type(None):
        return {}
    if is_typeddict(returned):
        return get_type_hints(returned, include_extras=True)
    if is_dataclass(returned) and isinstance(returned, type):
        hints = get_type_hints(returned, include_extras=True)
        return {field.name: hints[field.name] for field in fields(returned)}
    if isinstance(returned, type) and issubclass(returned, Ports):
        return {name: field.annotation for name, field in returned.model_fields.items()}
    return {RESULT: returned}


def grown_from(returned: Any) -> Any:
    """Give the type that a generator's items add up to: text, or a list of them."""
    known = get_origin(returned) in _ITERATORS
    item: Any = get_args(returned)[0] if known and get_args(returned) else Any
    return item if bare(item) in {str, bytes} else list[item]
