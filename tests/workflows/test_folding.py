"""Folding: what an address closes, and the addresses that turn one compound or all."""

import json

import pytest

from workflows import folding
from workflows.folding import Folding, drawn_boxes, folding_of
from workflows.outline import outline_of


def _group(name, *tasks):
    return {"id": name, "type": "flow.graph", "graph": {"tasks": list(tasks)}}


def _task(name):
    return {"id": name, "type": "test.number"}


OUTLINE = outline_of(
    json.dumps({"tasks": [_task("a"), _group("g", _task("x"), _group("h", _task("y")))]})
)


@pytest.mark.parametrize(
    ("query", "closed", "boxes"),
    [
        ({}, set(), 5),
        ({"close": ["g/h"]}, {"g/h"}, 4),
        ({"close": ["g"]}, {"g"}, 2),
        ({"every": ["closed"]}, {"g", "g/h"}, 2),
        ({"every": ["closed"], "open": ["g"]}, {"g/h"}, 4),
        ({"every": ["open"]}, set(), 5),
    ],
)
def test_an_address_says_what_is_closed(query, closed, boxes):
    folded = folding_of(OUTLINE, query)

    assert folded.closed == closed
    assert drawn_boxes(OUTLINE, folded) == boxes


def test_a_large_graph_begins_closed(monkeypatch):
    monkeypatch.setattr(folding, "OPEN_AT_MOST", 4)

    assert folding_of(OUTLINE, {}).closed == {"g", "g/h"}
    assert folding_of(OUTLINE, {"open": ["g"]}).closed == {"g/h"}
    assert folding_of(OUTLINE, {"every": ["open"]}).closed == set()


@pytest.mark.parametrize("every", ["", "open", "closed"])
@pytest.mark.parametrize("is_large", [False, True])
def test_turning_twice_is_not_turning(every, is_large):
    begun = Folding(compounds=frozenset({"g", "g/h"}), is_large=is_large, every=every)
    once = begun.turn("g")

    assert ("g" in once.closed) != ("g" in begun.closed)
    assert once.turn("g").closed == begun.closed
    assert once.turn("g").address == begun.address


def test_an_address_keeps_what_else_the_page_shows():
    folded = folding_of(OUTLINE, {"beside": ["definition"], "all": ["yes"], "close": ["g/h"]})

    assert folded.address == "?view=graph&beside=definition&all=yes&close=g%2Fh"
    assert folded.beside("beside", "").address == "?view=graph&all=yes&close=g%2Fh"
    assert folded.all("open").address == "?view=graph&beside=definition&all=yes&every=open"
    assert folded.query == "close=g%2Fh"
