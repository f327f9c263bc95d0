"""Short ways to write a definition of tasks that split and gather."""

import json
from typing import Any

from runner.graph.definition import GraphDefinition


def definition(**fields: Any) -> GraphDefinition:
    """Read a definition written as a document."""
    return GraphDefinition.from_json(json.dumps({"v": 1, "name": "demo", **fields}))


SPLIT = {"id": "split", "type": "text.split", "inputs": {"text": "a b"}}
GATHER = {"id": "gather", "type": "text.gather"}
INNER = {
    "name": "inner",
    "inputs": [{"name": "text", "type": "str"}],
    "outputs": [{"name": "passages", "from": "split.passages"}],
    "tasks": [{"id": "split", "type": "text.split"}],
    "dataflows": [{"from": "$inputs.text", "to": "split.text"}],
}


def flow(source, target):
    return {"from": source, "to": target}
