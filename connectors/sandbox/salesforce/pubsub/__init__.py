"""Change events and the Pub/Sub API that delivers them."""
