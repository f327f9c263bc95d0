"""Text: cut, counted, quoted, reported."""
