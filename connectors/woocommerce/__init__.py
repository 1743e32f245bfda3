"""WooCommerce: the shop's orders, refunds, customers, products and carts."""
