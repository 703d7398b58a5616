"""A real Kafka and a real Postgres on one machine, without Docker."""
