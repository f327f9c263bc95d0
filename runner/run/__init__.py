"""What a run is: pure values and decisions; no clock, no I/O, nothing awaited."""
