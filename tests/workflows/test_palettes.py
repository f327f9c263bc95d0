"""Palettes: every state can be read in each of them, and told apart by those it is meant for.

Contrast is that of WCAG 2.2 (1.4.3); red-green blindness is simulated after Machado, Oliveira and
Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency" (2009),
severity 1.0; differences are of CIE 1976 L*a*b* (D65).
"""

import re
from itertools import combinations
from pathlib import Path

import pytest

from runner.run.status import LOOKS
from workflows.palettes import PALETTES

CSS = (Path(__file__).resolve().parents[2] / "static" / "states.css").read_text(encoding="utf-8")
SCHEMES = ("light", "dark")
NAMES = sorted(name or "default" for name in PALETTES)
#: What must never be taken for another: how it went, and whether a person is needed.
DISTINCT = ("completed", "failed", "running", "awaiting", "retrying")
SEEN_BY = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}


def _found(pattern):
    found = re.search(pattern, CSS, re.S)
    assert found, pattern
    return found[1]


def _colours(palette):
    """Give a palette's colours, (light, dark) by name, as the stylesheet has them."""
    body = _found(rf'\[data-palette="{palette}"\] {{(.*?)}}')
    found = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", body)
    return {name: colours for name, *colours in found}


def _variable_of(status, ground):
    return _found(rf'\[data-status="{status}"\][^{{}}]*{{[^}}]*--{ground}: var\(--([a-z-]+)\)')


def _linear(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def _luminance(colour):
    return sum(s * part for s, part in zip((0.2126, 0.7152, 0.0722), _linear(colour), strict=True))


def _contrast(one, other):
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _seen(colour, matrix):
    """Give L*a*b* of a colour as somebody with this matrix sees it."""
    linear = _linear(colour)
    seen = [sum(m * c for m, c in zip(row, linear, strict=True)) for row in matrix]
    red, green, blue = (min(1, max(0, part)) for part in seen)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("palette", NAMES)
@pytest.mark.parametrize("status", LOOKS)
def test_every_state_can_be_read(status, palette, scheme):
    colours = _colours(palette)
    grounds = [colours[_variable_of(status, each)][SCHEMES.index(scheme)] for each in ("fg", "bg")]

    assert _contrast(*grounds) >= (7 if palette == "contrast" else 4.5)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("blindness", SEEN_BY)
def test_the_safe_palette_keeps_states_apart_for_who_mixes_up_red_and_green(blindness, scheme):
    colours, place = _colours("safe"), SCHEMES.index(scheme)
    seen = {each: _seen(colours[f"{each}-fg"][place], SEEN_BY[blindness]) for each in DISTINCT}

    for one, other in combinations(DISTINCT, 2):
        apart = sum((a - b) ** 2 for a, b in zip(seen[one], seen[other], strict=True)) ** 0.5
        assert apart >= 20, f"{one} and {other}"


def test_who_asks_the_system_for_contrast_gets_the_palette_of_that_name():
    asked = _found(r"prefers-contrast: more\) {\s*:root:not\(\[data-palette\]\) {(.*?)}")
    chosen = _found(r'\[data-palette="contrast"\] {(.*?)}')

    assert asked.split() == chosen.split()


def test_bars_that_failed_or_wait_have_a_pattern_of_their_own():
    assert re.search(r'\.bars \[data-status="failed"\].*url\(#stripe-failed\)', CSS)
    assert re.search(r'\.bars \[data-status="queued"\].*url\(#hatch-queued\)', CSS)
