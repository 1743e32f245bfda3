"""Shards: how records are read, state is kept and results are committed (design: streams/runtime/README.md)."""
