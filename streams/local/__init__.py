"""All of Sluiceway on this machine: starts it, watches it, stops it, and says what runs (see README.md)."""
