"""A fake WooCommerce shop: REST API v3, keys, webhooks."""
