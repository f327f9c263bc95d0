"""An installation with a run in every state, for whoever looks at pages: tests and screenshots."""
