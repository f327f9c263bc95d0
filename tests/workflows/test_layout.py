"""Layout: levels inside levels, lines through borders, and the plain way where there is no engine."""

import json
import subprocess
import sys

import pytest

from workflows import layout

NESTED = {
    "boxes": [
        {"path": "a"},
        {
            "path": "g",
            "level": {
                "boxes": [{"path": "g/x"}, {"path": "g/y"}],
                "wires": [["", "p", "g/x", "i"], ["g/x", "o", "g/y", "i"], ["g/y", "o", "", "r"]],
            },
        },
        {"path": "z"},
    ],
    "wires": [["a", "o", "g", "p"], ["g", "r", "z", "i"], ["a", "o", "z", "j"]],
}


def test_lines_go_straight_through_a_frames_border():
    placed = layout.arrange(NESTED)
    bends = {tuple(wire): way for wire, way in placed["bends"]}
    x, _, width, _ = placed["boxes"]["g"]

    assert bends["a", "o", "g", "p"][-1][0] == pytest.approx(x, abs=1)
    assert bends["", "p", "g/x", "i"][0][0] == pytest.approx(x, abs=1)
    assert bends["a", "o", "g", "p"][-1][1] == pytest.approx(
        bends["", "p", "g/x", "i"][0][1], abs=1
    )
    assert bends["g/y", "o", "", "r"][-1][0] == pytest.approx(x + width, abs=1)


def test_sources_stand_left_of_what_they_feed():
    boxes = layout.arrange(NESTED)["boxes"]

    assert boxes["a"][0] < boxes["g"][0] < boxes["z"][0]
    assert boxes["g/x"][0] < boxes["g/y"][0]


def test_the_same_level_is_laid_out_the_same_each_time():
    assert layout.arrange(NESTED) == layout.arrange(NESTED)


def test_without_an_engine_boxes_stand_in_columns(monkeypatch):
    monkeypatch.setattr(layout, "MANY", 0)
    boxes = layout.arrange(NESTED)["boxes"]

    assert boxes["a"][0] < boxes["g"][0] < boxes["z"][0]
    assert boxes["g"][0] < boxes["g/x"][0] < boxes["g/y"][0]


def test_an_engine_that_is_missing_is_done_without(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphlay", None)

    assert layout.arrange(NESTED)["boxes"]["z"]


def test_a_circle_and_a_wire_to_nowhere_do_no_harm(monkeypatch):
    monkeypatch.setattr(layout, "MANY", 0)
    wires = [["a", "o", "b", "i"], ["b", "o", "a", "i"], ["a", "o", "gone", "i"]]

    assert (
        len(layout.arrange({"boxes": [{"path": "a"}, {"path": "b"}], "wires": wires})["boxes"]) == 3
    )


def test_another_process_gives_the_same():
    done = subprocess.run(
        [sys.executable, "-m", "workflows.layout"],
        input=json.dumps(NESTED),
        capture_output=True,
        check=True,
        text=True,
    )

    assert json.loads(done.stdout) == json.loads(json.dumps(layout.arrange(NESTED)))
