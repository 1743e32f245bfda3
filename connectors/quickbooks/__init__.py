"""QuickBooks Online: customers, items, invoices and sales receipts out; changes in by webhook and fetch."""
