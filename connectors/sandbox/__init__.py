"""Fake vendor servers that vendors' own clients work against: state on disk, a meter, and faults on demand."""
