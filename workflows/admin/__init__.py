"""Run management for the operator: rows to read, and named actions; a module for each family."""

from workflows.admin import asked, drawn, jobs, kept, people, runs, triggers

__all__ = ["asked", "drawn", "jobs", "kept", "people", "runs", "triggers"]
