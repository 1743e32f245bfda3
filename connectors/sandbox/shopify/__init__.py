"""Shopify's Admin API as a sandbox vendor."""
