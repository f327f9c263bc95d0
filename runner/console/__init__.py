"""The events of a run in a terminal: a live tree, lines, or JSON; and `python -m runner`."""

from runner.console.arguments import USAGE, exit_code_of, read_inputs
from runner.console.command import main, with_signals
from runner.console.picture import Picture
from runner.console.renderer import Renderer

__all__ = [
    "USAGE",
    "Picture",
    "Renderer",
    "exit_code_of",
    "main",
    "read_inputs",
    "with_signals",
]
