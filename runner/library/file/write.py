"""Any value as a file."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from runner.errors import ValueFault
from runner.graph.artifact import Artifact
from runner.graph.ports import Ports
from runner.graph.task import Task

_TEXT = {
    "csv": "text/csv",
    "htm": "text/html",
    "html": "text/html",
    "json": "application/json",
    "md": "text/markdown",
    "txt": "text/plain",
}
ANY = "application/octet-stream"


class Write(Task):
    """Keeps a value as a file, in the form that the end of its name says.

    `.json` takes any value, `.csv` a list of mappings (a column for each field), `.md`, `.html`
    and `.txt` a text; bytes are kept as they are under any name. The file is an output: it can be
    downloaded from the page of the run, and read by other tasks.
    """

    name = "file.write"
    title = "Write a file"
    effect = "none"
    blocking = True

    class Inputs(Ports):
        """What to keep, and the name of the file."""

        value: Any
        name: str = "result.json"

    class Outputs(Ports):
        """The file."""

        file: Artifact

    def execute(self, inputs: Any, context: Any) -> dict[str, Any]:
        """Write it in one go."""
        ending = inputs.name.rpartition(".")[2].lower()
        if isinstance(inputs.value, bytes):
            content = inputs.value
        else:
            content = _WRITERS.get(ending, _text)(inputs.value, inputs.name).encode()
        media_type = _TEXT.get(ending, ANY if isinstance(inputs.value, bytes) else "text/plain")
        return {"file": context.save_artifact(content, inputs.name, media_type)}


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ValueFault(
            f"'{name:.80}' takes a text; make one of the value, or let the name end in .json."
        )
    return value


def _json(value: Any, _name: str) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n"


def _plain(value: Any) -> Any:
    return value.to_json() if isinstance(value, Artifact) else str(value)


def _csv(value: Any, name: str) -> str:
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise ValueFault(
            f"'{name:.80}' takes a list of mappings, a row each; put the value in that form."
        )
    columns = list(dict.fromkeys(column for row in value for column in row))
    written = io.StringIO()
    rows = csv.DictWriter(written, columns)
    rows.writeheader()
    rows.writerows({column: _cell(each) for column, each in row.items()} for row in value)
    return written.getvalue()


def _cell(value: Any) -> Any:
    return _json(value, "").strip() if isinstance(value, list | dict) else value


_WRITERS: dict[str, Callable[[Any, str], str]] = {"csv": _csv, "json": _json}
