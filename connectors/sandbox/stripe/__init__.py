"""A fake Stripe account: customers, catalogue, subscriptions, invoices, payments, events, webhooks."""
