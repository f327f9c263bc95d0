"""Data: values put in another form, and lists."""
