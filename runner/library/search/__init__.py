"""Search: finding passages by their words."""
