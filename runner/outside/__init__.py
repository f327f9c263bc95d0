"""The way to other machines: what may be reached, how much is taken, what may be sent along."""
