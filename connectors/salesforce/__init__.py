"""Salesforce: products, accounts, contacts, leads and opportunities in, field updates out."""
