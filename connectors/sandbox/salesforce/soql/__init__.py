"""SOQL: text to tree (`parser`), tree against a schema (`conditions`, `select`)."""
