"""Flow: waiting for a time or a person."""
