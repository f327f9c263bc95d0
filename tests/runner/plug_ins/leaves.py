"""A plug-in that would end the program."""

import sys

sys.exit(3)
