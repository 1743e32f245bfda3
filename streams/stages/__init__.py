"""What happens to an event, pure: no clock, no randomness, no network. `pipeline.py` is the way in."""
