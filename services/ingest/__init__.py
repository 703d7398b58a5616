"""Ingest: HTTP in, normalised events out to Kafka."""
