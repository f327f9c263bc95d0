"""JSON that a person types, or sends as a file: an object, or one sentence that says what is wrong."""

import json
from typing import Any

from runner.errors import DefinitionError

#: So many bytes of JSON may stand in a field.
MOST_JSON = 256 * 1024


def read_object(text: str, what: str) -> dict[str, Any]:
    """Read an object; `what` names it: "A task". Raises DefinitionError with one sentence."""
    if len(text.encode(errors="replace")) > MOST_JSON:
        raise DefinitionError(f"This is longer than the {MOST_JSON // 1024} KiB that fit here.")
    try:
        told = json.loads(text, parse_constant=_refuse)
    except RecursionError as fault:
        raise DefinitionError("This JSON is nested too deeply.") from fault
    except json.JSONDecodeError as fault:
        raise DefinitionError(f"This is not valid JSON in line {fault.lineno}.") from fault
    except ValueError as fault:
        raise DefinitionError(f"This is not valid JSON: {fault}.") from fault
    if not isinstance(told, dict):
        raise DefinitionError(f"{what} is a JSON object: {{…}}.")
    return told


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number that JSON has")
