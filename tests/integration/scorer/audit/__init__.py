"""The audit over a real Postgres."""
