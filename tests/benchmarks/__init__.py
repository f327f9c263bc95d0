"""Workloads of the engine beside their floors: what a task costs, as a ratio that travels."""
