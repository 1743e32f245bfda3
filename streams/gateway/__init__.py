"""HTTP in: webhooks become records of the inbox before they are acknowledged."""
