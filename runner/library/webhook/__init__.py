"""Webhooks: telling other machines what happened, so that they can trust it."""
