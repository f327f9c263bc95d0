"""The palettes of state colours that a person may choose from; states.css has the colours."""

from collections.abc import Mapping
from dataclasses import dataclass

COOKIE = "palette"
#: For how long a browser keeps the choice, in seconds.
KEPT_SECONDS = 365 * 24 * 60 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """A palette as it is offered."""

    name: str
    title: str
    help: str


PALETTES: Mapping[str, Palette] = {
    each.name: each
    for each in (
        Palette(
            name="",
            title="Default",
            help="Green is done, red has failed; high contrast if your system asks for it.",
        ),
        Palette(
            name="safe",
            title="Safe for red-green blindness",
            help="Blue is done, brown has failed; they differ in lightness too.",
        ),
        Palette(
            name="contrast",
            title="High contrast",
            help="Every state at 7:1 and more against its ground.",
        ),
    )
}


def palette_in(cookies: Mapping[str, str]) -> str:
    """Give the name of the palette that a browser was told to use; empty for the default."""
    chosen = cookies.get(COOKIE, "")
    return chosen if chosen in PALETTES else ""
