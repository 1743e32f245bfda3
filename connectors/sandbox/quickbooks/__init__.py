"""QuickBooks Online's accounting API v3, played for python-quickbooks, node-quickbooks and our own connector."""
