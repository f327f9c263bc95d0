"""Files: as text and back, and compared with what was recorded."""
