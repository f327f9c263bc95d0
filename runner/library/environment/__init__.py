"""Environment: the Python distributions installed here."""
