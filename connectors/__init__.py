"""How Sluiceway talks to the outside: Kafka, the registry and the vendors. Imports nothing of `streams`."""
