"""What `connect` does with a command: work list, lanes, attempts, outcomes, quota (start: README.md)."""
