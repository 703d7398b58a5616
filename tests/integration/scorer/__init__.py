"""The scorer against a real Postgres and a real Kafka."""
