"""Ports that a person draws in a task's settings, written as in a definition."""

from collections.abc import Iterable
from typing import Any

from runner.errors import DefinitionError, ValueFault
from runner.graph.dataflow import PORT_PATTERN
from runner.graph.definition import GraphPort
from runner.graph.ports import Port
from runner.graph.reading import check_port


def drawn_ports(
    documents: Iterable[dict[str, Any]], owner: str, what: str = "field"
) -> dict[str, Port]:
    """Give the ports by name; raises ValueFault with a sentence that calls each of them `what`."""
    found: dict[str, Port] = {}
    for position, document in enumerate(documents, start=1):
        try:
            check_port(document, f"{what} {position} of {owner}")
        except DefinitionError as fault:
            raise ValueFault(fault.sentence) from fault
        port = GraphPort.from_document(document)
        if not PORT_PATTERN.fullmatch(port.name):
            raise ValueFault(f"'{port.name:.80}' is no name for a {what} of {owner}.")
        if port.name in found:
            raise ValueFault(f"Two {what}s of {owner} are called '{port.name}'; rename one.")
        found[port.name] = port.as_port(owner)
    return found
