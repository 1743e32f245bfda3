"""Real Kafka and a real schema registry on this machine, with nothing but Python installed (see README.md)."""
