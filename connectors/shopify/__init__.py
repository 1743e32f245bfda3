"""Connector for Shopify shops."""
