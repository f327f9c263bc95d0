"""`python -m runner graph.json`: run a definition here and now, without a server."""

import sys

from runner.console import main

if __name__ == "__main__":
    sys.exit(main())
