"""Editing: what people do to a draft, as acts that can be undone, rebased and told apart (pure)."""
