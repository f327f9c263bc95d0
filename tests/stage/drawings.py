"""What runs on the stage: a digest in two versions, a large model, and a workflow half drawn."""

import json
from itertools import pairwise
from typing import Any

RIVER = {"name": "river", "type": "str", "title": "River", "default": "Loire"}
SECONDS = {
    "name": "seconds",
    "type": "float",
    "title": "Seconds",
    "help": "How long the writing takes.",
    "default": 0.5,
    "minimum": 0,
}
READING = {
    "name": "reading",
    "title": "One gauge",
    "inputs": [{"name": "gauge", "type": "str", "title": "Gauge"}],
    "outputs": [{"name": "level", "from": "read.result"}],
    "tasks": [{"id": "read", "type": "stage.read", "title": "Read the level"}],
    "dataflows": [{"from": "$inputs.gauge", "to": "read.gauge"}],
}
WRITING = {
    "name": "writing",
    "title": "Write the digest",
    "inputs": [
        {"name": "river", "type": "str"},
        {"name": "levels", "type": "list[dict[str,any]]"},
        {"name": "seconds", "type": "float"},
    ],
    "outputs": [
        {"name": "text", "from": "write.text"},
        {"name": "translation", "from": "translate.text"},
    ],
    "tasks": [
        {"id": "write", "type": "stage.write", "title": "Write"},
        {
            "id": "translate",
            "type": "stage.translate",
            "title": "Translate",
            "policy": {"retry": {"attempts": 2, "delay": 0.1}},
        },
    ],
    "dataflows": [
        {"from": "$inputs.river", "to": "write.river"},
        {"from": "$inputs.levels", "to": "write.levels"},
        {"from": "$inputs.seconds", "to": "write.seconds"},
        {"from": "$inputs.river", "to": "translate.river"},
        {"from": "write.text", "to": "translate.text"},
    ],
}
ASK = {
    "id": "approve",
    "type": "flow.ask",
    "title": "Approve the digest",
    "config": {
        "title": "May this digest go out?",
        "help": "It is sent to everybody who lives along the river.",
        "kind": "approval",
    },
}
#: How many reaches the catchment has, and how many steps each of them.
REACHES = 14
STEPS = 14


def digest(*, approved: bool) -> str:
    """Draw the digest: gauges, a reading for each, two streams, a count; with a person or without."""
    tasks: list[dict[str, Any]] = [
        {"id": "gauges", "type": "stage.gauges", "title": "List the gauges"},
        {
            "id": "readings",
            "type": "flow.map",
            "title": "Read every gauge",
            "config": {"over": ["gauge"]},
            "graph": READING,
        },
        {"id": "digest", "type": "flow.graph", "title": "Write the digest", "graph": WRITING},
        {"id": "words", "type": "text.count_words", "title": "Count words"},
        {"id": "publish", "type": "stage.publish", "title": "Publish"},
    ]
    flows = [
        ("$inputs.river", "gauges.river"),
        ("gauges.result", "readings.gauge"),
        ("$inputs.river", "digest.river"),
        ("$inputs.seconds", "digest.seconds"),
        ("readings.level", "digest.levels"),
        ("digest.translation", "words.text"),
        ("digest.translation", "publish.text"),
        ("words.count", "publish.words"),
    ]
    if approved:
        tasks.insert(4, ASK)
        flows += [("digest.text", "approve.shown"), ("approve.approved", "publish.approved")]
    outputs = {"page": "publish.result", "text": "digest.text"}
    return written("river-digest", "River digest", [RIVER, SECONDS], outputs, tasks, flows)


def catchment() -> str:
    """Draw 200 tasks: fourteen reaches of fourteen steps in groups, and two streams beside them."""
    tasks: list[dict[str, Any]] = []
    flows: list[tuple[str, str]] = []
    for reach in range(REACHES):
        name = f"reach{reach}"
        tasks.append(
            {
                "id": name,
                "type": "flow.graph",
                "title": f"Reach {reach + 1}",
                "graph": _reach(reach),
            }
        )
        flows += [("$inputs.river", f"{name}.river"), ("$inputs.pace", f"{name}.pace")]
    for word in ("level", "flow"):
        source = {"id": word, "type": "stage.words", "title": f"Report the {word}"}
        tasks.append({**source, "config": {"word": word}})
        tasks.append({"id": f"{word}-count", "type": "text.count_words", "title": f"Count {word}"})
        flows += [(f"$inputs.{port}", f"{word}.{port}") for port in ("river", "words", "seconds")]
        flows.append((f"{word}.text", f"{word}-count.text"))
    inputs = [
        RIVER,
        {"name": "words", "type": "int", "title": "Words", "default": 200, "minimum": 1},
        SECONDS | {"default": 1.0},
        {"name": "pace", "type": "float", "title": "Seconds a step", "default": 0, "minimum": 0},
    ]
    outputs = {"level": "level.text", "flow": "flow.text"}
    return written("catchment", "Catchment model", inputs, outputs, tasks, flows)


def half_drawn() -> str:
    """Draw what cannot run yet: a task without its inputs, a note, and a type nobody has."""
    tasks = [
        {"id": "answer", "type": "text.answer", "title": "Extractive answer"},
        {"id": "scan", "type": "acme.ocr", "title": "Scan the page"},
    ]
    return written("flood-warning", "Flood warning", [RIVER], {}, tasks, [])


def written(name, title, inputs, outputs, tasks, flows) -> str:
    """Write a definition; flows are pairs of ends, outputs name the ends they come from."""
    return json.dumps(
        {
            "v": 1,
            "name": name,
            "title": title,
            "inputs": inputs,
            "outputs": [{"name": port, "from": end} for port, end in outputs.items()],
            "tasks": tasks,
            "dataflows": [{"from": source, "to": target} for source, target in flows],
        }
    )


def _reach(reach: int) -> dict[str, Any]:
    names = [f"step{at}" for at in range(STEPS)]
    tasks = [
        {
            "id": name,
            "type": "stage.step",
            "title": f"Step {at + 1}",
            "inputs": {"at": reach * STEPS + at} | ({} if at else {"before": 0}),
        }
        for at, name in enumerate(names)
    ]
    flows = [("$inputs.river", f"{name}.river") for name in names]
    flows += [("$inputs.pace", f"{name}.seconds") for name in names]
    flows += [(f"{before}.result", f"{name}.before") for before, name in pairwise(names)]
    return {
        "name": f"reach-{reach}",
        "title": f"Reach {reach + 1}",
        "inputs": [{"name": "river", "type": "str"}, {"name": "pace", "type": "float"}],
        "outputs": [{"name": "water", "from": f"{names[-1]}.result"}],
        "tasks": tasks,
        "dataflows": [{"from": source, "to": target} for source, target in flows],
    }
