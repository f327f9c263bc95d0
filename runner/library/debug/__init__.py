"""Debug: looking at what flows."""
