"""Code: what people write themselves, in a sandbox."""
