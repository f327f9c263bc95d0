"""Documents: what is in a file, as text and as data."""
