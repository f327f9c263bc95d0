"""What outlives crashes, races and zombies: real processes, watched from outside."""
