"""A plug-in whose import fails."""

NOTHING = 1 / 0
