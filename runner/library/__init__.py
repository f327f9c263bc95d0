"""The task types that come with the runner: a package for each family, a module for each task."""
