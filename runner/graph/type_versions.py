"""What a run remembers of a task type: its version, and a hash of its ports and settings."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from runner.graph.port_fields import ports_of
from runner.graph.ports import Port
from runner.graph.registry import TaskRegistry
from runner.graph.task import Task, ports_of_class

_SEPARATOR = "@"
_HASH = 16


_signatures: dict[type[Task], str] = {}


def signature_of(kind: type[Task]) -> str:
    """Give a type's signature: its version, "@", and a hash of what it takes, gives and is set to."""
    found = _signatures.get(kind)
    if found is None:
        found = _signatures[kind] = f"{kind.version}{_SEPARATOR}{_hash_of(kind)}"
    return found


def _hash_of(kind: type[Task]) -> str:
    inputs, outputs = ports_of_class(kind)
    said = {
        "inputs": _said(inputs),
        "outputs": _said(outputs),
        "config": _said(ports_of(kind.Config, kind.title)),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:_HASH]


def _said(ports: Mapping[str, Port]) -> dict[str, Any]:
    return {
        name: [_schema(port.type), port.required, port.mode, port.reads_stream, port.indexed]
        for name, port in ports.items()
    }


def _schema(kind: Any) -> Any:
    try:
        return TypeAdapter(kind).json_schema()
    except (PydanticSchemaGenerationError, PydanticUserError):
        return repr(kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeChange:
    """A task type that is not what it was when a run began; `now` is "" for one that is gone."""

    name: str
    then: str
    now: str
    compatible: bool = False

    @property
    def sentence(self) -> str:
        """Say what has changed."""
        before, after = (_version(each) for each in (self.then, self.now))
        if not self.now:
            return f"{self.name} is not installed any more."
        if before == after:
            return (
                f"{self.name} has other ports or settings now, though it is version {after} still."
            )
        return f"{self.name} is version {after} now, not {before}."


def _version(signature: str) -> str:
    return signature.partition(_SEPARATOR)[0]


def changes_since(types: Mapping[str, str], registry: TaskRegistry) -> Iterable[TypeChange]:
    """Give the types of these signatures by name that are not what they were.

    A signature without a hash, as kept by earlier releases, is compared by its version alone.
    """
    for name, then in sorted(types.items()):
        if name not in registry:
            yield TypeChange(name=name, then=then, now="")
            continue
        kind = registry.get(name)
        now = signature_of(kind)
        if then not in {now, kind.version}:
            compatible = _version(then) in kind.compatible_with
            yield TypeChange(name=name, then=then, now=now, compatible=compatible)
