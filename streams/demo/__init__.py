"""The demo: lead to invoice for one company, with clients that Sluiceway did not write at both ends."""
