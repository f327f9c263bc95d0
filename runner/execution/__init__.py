"""How a run is driven: streams, contexts, stores and the executor."""
