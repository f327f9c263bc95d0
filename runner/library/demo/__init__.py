"""Texts that every installation has."""
