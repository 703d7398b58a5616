"""The audit without a database."""
