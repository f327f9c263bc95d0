"""The task types that come with the runner: one small module per family."""
