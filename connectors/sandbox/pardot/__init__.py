"""A fake Account Engagement (Pardot) API v5: prospects, lists, memberships, campaigns and activities."""
