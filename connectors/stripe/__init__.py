"""Stripe: customers, catalogue, subscriptions, invoices, charges and refunds."""
