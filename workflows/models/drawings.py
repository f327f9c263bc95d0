"""Drawings by their texts, and what was found in them: read once, not with each act.

An act leaves most tasks of a drawing as the very objects they were, and whoever examines or draws
it again knows by that what is new. So what an act made is kept here beside the text of it.
"""

import json
from collections import OrderedDict
from threading import Lock

from runner.editing.draft import Draft
from runner.editing.sheet import Sheet
from runner.graph.definition import GraphDefinition
from runner.graph.remembered import Remembered

#: Letters of the texts whose drawings are kept.
MOST_LETTERS = 16 * 1024 * 1024

#: What was found in drawings of this process, and made of their tasks.
EXAMINED = Remembered()

_kept: OrderedDict[tuple[str, str], Draft] = OrderedDict()
_lock = Lock()


def drafted(definition: str, layout: str) -> Draft:
    """Read a definition and its layout, both JSON, as one drawing; raises DefinitionError."""
    with _lock:
        known = _kept.get((definition, layout))
        if known is not None:
            _kept.move_to_end((definition, layout))
    if known is not None:
        return known
    read = Draft(
        definition=GraphDefinition.from_json(definition),
        sheet=Sheet.from_document(json.loads(layout)),
    )
    _keep((definition, layout), read)
    return read


def remember(definition: str, layout: str, made: GraphDefinition) -> None:
    """Keep the definition that was written as this text."""
    sheet = Sheet.from_document(json.loads(layout))
    _keep((definition, layout), Draft(definition=made, sheet=sheet))


def _keep(texts: tuple[str, str], drawing: Draft) -> None:
    with _lock:
        _kept[texts] = drawing
        letters = sum(len(each) for key in _kept for each in key)
        while letters > MOST_LETTERS and len(_kept) > 1:
            gone, _ = _kept.popitem(last=False)
            letters -= sum(len(each) for each in gone)
