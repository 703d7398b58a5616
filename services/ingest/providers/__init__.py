"""Providers that post webhooks: one file each, one row each in table.py."""
