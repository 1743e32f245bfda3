"""Kafka and the schema registry: topics, contracts, codec, partitioning."""
