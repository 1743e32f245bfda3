"""Pardot (Marketing Cloud Account Engagement): prospects out, and read by id."""
