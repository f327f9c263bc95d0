"""HTTP: asking other machines, and telling them."""
